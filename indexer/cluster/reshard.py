"""Another number of shards for a gallery: a new set beside the one that serves, at an operator's request."""

from indexer.cluster.nodes import overview
from indexer.cluster.shards import sets
from indexer.errors import Busy, InvalidRequest
from indexer.records import shard_sets
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from indexer.records.tables import Gallery, ShardSet
from indexer.settings import Settings


def reshard(
    database: Database, settings: Settings, gallery: Gallery, model: str, *, shards: int, copies: int
) -> ShardSet:
    """The set that is built on the Ray cluster from now on, or the one with the same numbers that was being
    built already.

    `model`: fingerprint; `shards`: 0 for one for each node that may hold some. If there are fewer nodes than
    `copies`, the builder makes one copy for each node. Raises InvalidRequest, GalleryNotFound, Misconfigured,
    and Busy if a set with other numbers is being built.
    """
    with database.reading() as session:
        has_shards = shard_sets.active(session, gallery.id, model) is not None
    if not has_shards and gallery.face_count < settings.shard_faces / 2:
        raise InvalidRequest(
            f"gallery {gallery.name!r} has {gallery.face_count:,} faces: with GEMEL_SHARD_FACES at"
            f" {settings.shard_faces:,} it has no shards; give this command the servers' GEMEL_SHARD_FACES",
            field="gallery",
        )
    if shards == 0:
        alive = overview.nodes(settings, overview.head_address(settings, None))
        shards = sum(node.holds_shards for node in alive)
        if shards == 0:
            raise InvalidRequest("the Ray cluster has no node that may hold shards", field="shards")
        if copies > shards:
            raise InvalidRequest(
                f"there cannot be {copies} copies of each shard: they lie on different nodes. Nodes"
                f" of the Ray cluster that may hold shards: {shards}",
                field="copies",
            )
    begun = sets.begin(database, gallery, model, shards=shards, copies=copies)
    if (begun.shards, begun.copies) != (shards, copies):
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
    return begun
