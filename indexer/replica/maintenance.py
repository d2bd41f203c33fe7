"""What operators do with indexes: write snapshots, rebuild, prune. `verification` proves them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Literal
from uuid import UUID

from indexer.errors import ShardSetNotFound
from indexer.records import changes, galleries, reindexes, shard_sets
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.replica import status
from indexer.replica.store import IndexStore
from indexer.types import Tier


def snapshot(
    store: IndexStore, gallery: Gallery, *, progress: Callable[[int], object] = lambda _: None
) -> str | None:
    """Writes a snapshot if anything has changed since the newest; its name, None if nothing has."""
    for one in status.of_snapshots(store, gallery):
        manifest = one.manifest
        if (
            manifest is not None
            and one.problem is None
            and manifest.position == gallery.position
            and manifest.embedded_by == _embedded_by(store, gallery)
            and manifest.rebuild_number == gallery.rebuild_number
            and store.tiers.fits(manifest.target, gallery)
        ):
            return None
    return store.rebuild(gallery, progress=progress)


def rebuild(
    store: IndexStore,
    gallery: Gallery,
    *,
    tier: Tier | Literal["auto", "same"] = "same",
    progress: Callable[[int], object] = lambda _: None,
) -> str | None:
    """Has every process rebuild the gallery's index or its shard, and writes the snapshot for those of this
    machine; its name. None, and no snapshot, where shards serve the gallery: each writes its own.

    `tier`: from now on; "auto" leaves it to each process's settings. Raises GalleryNotFound,
    EmbeddingsMissing, OSError.
    """
    with store.database.transaction() as session:
        gallery = galleries.request_rebuild(
            session, gallery.id, tier=None if tier == "auto" else tier, keep_tier=tier == "same"
        )
        if shard_sets.active(session, gallery.id, store.card.fingerprint) is not None:
            return None
    return store.rebuild(gallery, progress=progress)


def rebuild_shard(store: IndexStore, gallery: Gallery, shard: int) -> int:
    """Has every process that holds this shard rebuild it; the number of the request.

    `shard`: from 0, of the set that serves, else of the one that is being built. Raises ShardSetNotFound,
    GalleryNotFound.
    """
    model = store.card.fingerprint
    with store.database.transaction() as session:
        chosen = shard_sets.active(session, gallery.id, model) or shard_sets.building(
            session, gallery.id, model
        )
        if chosen is None:
            raise ShardSetNotFound(f"gallery {gallery.name!r} has no shards", gallery=gallery.name)
        number = shard_sets.request_rebuild(session, chosen.id, shard)
        details = {"rebuild_number": number, "shard": shard, "shards": chosen.shards}
        record(
            session,
            AuditEvent(action=Action.INDEX_REBUILD_REQUESTED, gallery=gallery.name, details=details),
        )
        return number


def prune_snapshots(store: IndexStore, gallery: Gallery, keep: int) -> list[str]:
    """Removes all but the newest `keep` from this machine's disk, and the damaged; their names. `store`: also
    of a part."""
    snapshots = store.snapshots(gallery)
    if not snapshots.path.exists():
        return []
    with snapshots.locked():
        return snapshots.prune(keep)


def prune_log(database: Database, gallery: Gallery, older_than: timedelta) -> int:
    """Deletes old changes; how many. An index that is older than what remains is built again."""
    with database.transaction(long=True) as session:
        pruned = changes.prune(session, gallery.id, older_than=older_than)
        details = {"changes": pruned, "older_than_days": older_than / timedelta(days=1)}
        record(session, AuditEvent(action=Action.LOG_PRUNED, gallery=gallery.name, details=details))
        return pruned


def _embedded_by(store: IndexStore, gallery: Gallery) -> UUID | None:
    with store.database.reading() as session:
        return reindexes.embedded_by(session, gallery.id, store.card.fingerprint)
