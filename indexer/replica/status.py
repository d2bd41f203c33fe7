"""Where indexes are: in the processes that serve, and on this machine's disk."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from indexer.errors import (
    ChangesPruned,
    EmbeddingsReplaced,
    LogForked,
    SnapshotDamaged,
    SnapshotForeign,
)
from indexer.index.manifest import Manifest
from indexer.index.snapshots import parts
from indexer.records import index_checks, reindexes, replicas, shard_sets
from indexer.records.database.session import Database
from indexer.records.index_checks import CheckStatus
from indexer.records.tables import Gallery, Process, Replica, ShardSet
from indexer.replica.store import IndexStore, snapshot_check
from indexer.types import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryStatus:
    gallery: Gallery
    replicas: list[tuple[Process, Replica]]
    check: CheckStatus | None
    """The last comparison of its indexes with PostgreSQL."""
    shard_sets: list[ShardSet] = field(default_factory=list)
    """Sets of shards that serve or are being built."""

    def lag(self, replica: Replica) -> int:
        """Changes that it lacked at its last report."""
        return max(0, self.gallery.change_number - replica.applied)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotStatus:
    """Of a snapshot on this machine's disk."""

    name: str
    part: Part | None
    """That a shard holds; None for the whole gallery."""
    manifest: Manifest | None
    problem: str | None
    """Why it is not used."""


def of_galleries(database: Database, every: Sequence[Gallery]) -> list[GalleryStatus]:
    """Each gallery's indexes in the processes that live, as last reported."""
    with database.reading() as session:
        ids = [gallery.id for gallery in every]
        reported = replicas.by_gallery(session, ids)
        checks = index_checks.by_gallery(session, ids)
        sets = shard_sets.in_use(session, ids)
    return [
        GalleryStatus(
            gallery=gallery,
            replicas=reported[gallery.id],
            check=checks.get(gallery.id),
            shard_sets=[one for one in sets if one.gallery_id == gallery.id],
        )
        for gallery in every
    ]


def of_snapshots(store: IndexStore, gallery: Gallery) -> list[SnapshotStatus]:
    """The newest first. Raises GalleryNotFound."""
    snapshots = store.snapshots(gallery)
    found = []
    for name in snapshots.names():
        manifest = problem = None
        try:
            manifest = snapshots.manifest(name)
            with store.database.reading() as session:
                snapshot_check.check(session, gallery.id, store.card.fingerprint, manifest)
        except (SnapshotDamaged, SnapshotForeign, ChangesPruned, LogForked, EmbeddingsReplaced) as error:
            problem = error.message
        found.append(SnapshotStatus(name=name, part=store.part, manifest=manifest, problem=problem))
    return found


def with_parts(store: IndexStore, gallery: Gallery) -> list[IndexStore]:
    """The store, and one for each part of the gallery that this machine's disk has snapshots of."""
    found = parts(store.root, gallery.id, store.card.fingerprint)
    return [store, *(store.of_part(part) for part in found)]


def stores_of(store: IndexStore, every: Sequence[Gallery]) -> list[tuple[Gallery, IndexStore]]:
    """Each gallery with the store of its model; and with the store of the other model, where it may be
    switched.

    Raises ModelUnavailable.
    """
    found = [(gallery, store.of_gallery(gallery)) for gallery in every]
    ids = {gallery.id for gallery in every}
    with store.database.reading() as session:
        waiting = reindexes.switchable_galleries(session)
    for gallery, number, _ in waiting:
        if gallery.id in ids and number != gallery.model_id:
            found.append((gallery, store.of_model(store.models.by_number(number))))
    return found
