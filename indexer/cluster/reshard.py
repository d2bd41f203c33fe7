"""Another number of shards for a gallery: a new set beside the one that serves, at an operator's request."""

from dataclasses import dataclass

from indexer.cluster.nodes import overview
from indexer.cluster.shards import sets
from indexer.errors import Busy, InvalidRequest
from indexer.records import shard_sets
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from indexer.records.tables import Gallery, ShardSet
from indexer.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Resharding:
    shard_set: ShardSet
    warning: str | None
    """What the operator may not expect with the present nodes, in words; None if there is nothing."""


def reshard(
    database: Database,
    settings: Settings,
    gallery: Gallery,
    model: str,
    *,
    shards: int,
    copies: int | None = None,
) -> Resharding:
    """Begins a set that the Ray cluster builds from now on, or finds the one with the same numbers that is
    being built already. Returns that set.

    `model`: fingerprint; `shards`: 0 for one for each node that may hold shards; `copies`: None for the
    number in the settings, or the number of nodes if that is lower. Raises InvalidRequest if the gallery is
    too small, if no node may hold shards, or if there are fewer nodes than `copies`; Misconfigured if the
    head does not answer; GalleryNotFound; and Busy if a set with other numbers is being built.
    """
    with database.reading() as session:
        has_shards = shard_sets.active(session, gallery.id, model) is not None
    if not has_shards and gallery.face_count < settings.shard_faces / 2:
        raise InvalidRequest(
            f"gallery {gallery.name!r} has {gallery.face_count:,} faces: with GEMEL_SHARD_FACES at"
            f" {settings.shard_faces:,} it has no shards; give this command the servers' GEMEL_SHARD_FACES",
            field="gallery",
        )
    requested = copies or settings.shard_copies
    if settings.cluster.startswith("ray://") and shards:
        nodes, copies = None, requested  # the head's own address is not known here
    else:
        nodes = _nodes(settings)
        copies = _copies(nodes, copies, settings)
    begun = sets.begin(database, gallery, model, shards=shards or nodes or 1, copies=copies)
    if (begun.shards, begun.copies) != (shards or nodes, copies):
        raise Busy(
            f"{begun.shards} shards, {begun.copies} copies of each, are already being built for gallery"
            f" {gallery.name!r}; try again when `gemel cluster status` shows them active"
        )
    with database.transaction() as session:
        details = {"shards": begun.shards, "copies": begun.copies}
        record(
            session,
            AuditEvent(action=Action.INDEX_REBUILD_REQUESTED, gallery=gallery.name, details=details),
        )
    return Resharding(shard_set=begun, warning=_warning(nodes, begun, requested))


def _nodes(settings: Settings) -> int:
    """How many nodes may hold shards, as the head knows them now. Raises InvalidRequest if there are none,
    and Misconfigured if the head does not answer."""
    alive = overview.nodes(settings, overview.head_address(settings, None))
    nodes = sum(node.holds_shards for node in alive)
    if nodes == 0:
        raise InvalidRequest("the Ray cluster has no node that may hold shards", field="shards")
    return nodes


def _copies(nodes: int, given: int | None, settings: Settings) -> int:
    """The copies of each shard. Raises InvalidRequest if the operator has given more than there are nodes."""
    if given is not None and given > nodes:
        raise InvalidRequest(
            f"there cannot be {given} copies of each shard: they lie on different nodes. Nodes"
            f" of the Ray cluster that may hold shards: {nodes}",
            field="copies",
        )
    return given or min(settings.shard_copies, nodes)


def _warning(nodes: int | None, begun: ShardSet, requested: int) -> str | None:
    """When nodes join later, missing copies are added, but shards that share a node are not moved."""
    if nodes is None:
        return (
            "GEMEL_CLUSTER is a client server, so the nodes are not counted: where there are fewer than"
            " copies, each shard gets one copy for each node"
        )
    lines = []
    if begun.copies < requested:
        lines.append(
            f"nodes that may hold shards: {nodes}, so copies of each shard: {begun.copies} and not"
            f" {requested}, until more nodes join"
        )
    if begun.shards > nodes:
        lines.append(
            f"there are more shards ({begun.shards}) than nodes ({nodes}): some nodes hold several, also"
            " after others have joined; reshard again then"
        )
    return "; ".join(lines) or None
