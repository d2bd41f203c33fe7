"""What operators do with indexes: look at them, prove them equal to PostgreSQL, make them anew."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from uuid import UUID

from indexer.errors import (
    ChangesPruned,
    EmbeddingsReplaced,
    LogForked,
    SnapshotDamaged,
    SnapshotForeign,
)
from indexer.index.compare import Comparison, Difference
from indexer.index.digest import Digest
from indexer.index.live import LiveIndex
from indexer.index.manifest import Manifest
from indexer.records import changes, galleries, reindexes, replicas
from indexer.records.database.session import Database, Session
from indexer.records.tables import Gallery, Process, Replica
from indexer.replica.store import IndexStore
from indexer.types import Keys, LogPosition, Owners, Tier, Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A snapshot on this machine's disk."""

    name: str
    manifest: Manifest | None
    problem: str | None
    """Why it is not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaVerdict:
    """Of the index in a process that serves."""

    host: str
    pid: int
    applied: int
    equal: bool | None
    """Whether its digest is that of PostgreSQL, and its last change the same; None where it has told of a
    change with another number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    snapshot: str | None
    """None where there is none: then a start reads PostgreSQL, and there is nothing to differ."""
    applied: int
    """Number of the change up to which both sides were compared."""
    count: int
    """Faces in PostgreSQL."""
    digest: str
    """Of PostgreSQL's vectors."""
    index_digest: str | None
    difference: Difference = field(default_factory=Difference)
    damaged: list[str] = field(default_factory=list)
    """What is wrong with snapshots that cannot be read."""
    foreign: list[str] = field(default_factory=list)
    """Snapshots that were made from another history of the gallery, and are not used."""
    replicas: list[ReplicaVerdict] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        equal = self.index_digest in (None, self.digest)
        others = all(replica.equal is not False for replica in self.replicas)
        return equal and others and not self.difference and not self.damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryStatus:
    gallery: Gallery
    replicas: list[tuple[Process, Replica]]

    def lag(self, replica: Replica) -> int:
        """Changes that it lacked when it last told."""
        return max(0, self.gallery.change_number - replica.applied)


def stores_of(index_store: IndexStore, every: Sequence[Gallery]) -> list[tuple[Gallery, IndexStore]]:
    """Each gallery with the index_store of its model; and with the other's, where it may be switched.

    Raises ModelUnavailable.
    """
    found = [(gallery, index_store.of_gallery(gallery)) for gallery in every]
    wanted = {gallery.id for gallery in every}
    with index_store.database.reading() as session:
        waiting = reindexes.switchable_galleries(session)
    for gallery, number, _ in waiting:
        if gallery.id in wanted and number != gallery.model_id:
            found.append((gallery, index_store.of_model(index_store.models.by_number(number))))
    return found


def status(database: Database, every: Sequence[Gallery]) -> list[GalleryStatus]:
    """What the processes that live have of each gallery, as they last told."""
    with database.reading() as session:
        told = replicas.by_gallery(session, [gallery.id for gallery in every])
    return [GalleryStatus(gallery=gallery, replicas=told[gallery.id]) for gallery in every]


def stored(index_store: IndexStore, gallery: Gallery) -> list[Stored]:
    """The newest first. Raises GalleryNotFound."""
    snapshots = index_store.snapshots(gallery)
    found = []
    for name in snapshots.names():
        manifest = problem = None
        try:
            manifest = snapshots.manifest(name)
            with index_store.database.reading() as session:
                index_store.check(session, gallery, manifest)
        except (SnapshotDamaged, SnapshotForeign, ChangesPruned, LogForked, EmbeddingsReplaced) as error:
            problem = error.message
        found.append(Stored(name=name, manifest=manifest, problem=problem))
    return found


def verify(index_store: IndexStore, gallery: Gallery) -> Verification:
    """Loads the newest snapshot that a start would, replays the log, and compares each face.

    Both sides are read in one snapshot of the database. What processes that serve have told of their
    indexes is compared too. Unlike a start it changes nothing on the disk.
    Raises GalleryNotFound, EmbeddingsMissing.
    """
    damaged: list[str] = []
    foreign: list[str] = []
    truth = Digest()
    count = 0
    with index_store.database.repeatable_read() as session:
        name, index = _newest(index_store, session, gallery, damaged, foreign)
        if index is not None:
            while tail := changes.read_after(
                session, gallery.id, index.position, index_store.card.fingerprint
            ):
                index.apply(tail)
        comparison = None if index is None else Comparison(index.searcher)

        def take(keys: Keys, vectors: Vectors, owners: Owners) -> None:
            nonlocal count
            count += len(keys)
            truth.add(keys, vectors)
            if comparison is not None:
                comparison.take(keys, vectors, owners)

        position = changes.read_enrolled(session, gallery.id, index_store.card.fingerprint, take)
    with index_store.database.reading() as session:
        told = replicas.by_gallery(session, [gallery.id])[gallery.id]
    return Verification(
        snapshot=name,
        applied=position.number,
        count=count,
        digest=truth.hex,
        index_digest=None if index is None else index.digest,
        difference=Difference() if comparison is None else comparison.difference(),
        damaged=damaged,
        foreign=foreign,
        replicas=[
            ReplicaVerdict(
                host=process.host,
                pid=process.pid,
                applied=replica.applied,
                equal=_equal(replica, position, truth.hex),
            )
            for process, replica in told
            if replica.digest is not None and replica.model == index_store.card.fingerprint
        ],
    )


def snapshot(
    index_store: IndexStore, gallery: Gallery, *, progress: Callable[[int], object] = lambda _: None
) -> str | None:
    """Writes a snapshot where changes have come since the newest; its name, None where none was due."""
    for one in stored(index_store, gallery):
        manifest = one.manifest
        if (
            manifest is not None
            and manifest.position == gallery.position
            and manifest.embedded_by == _embedded_by(index_store, gallery)
            and manifest.rebuild_number == gallery.rebuild_number
            and index_store.fits(manifest.target, gallery)
        ):
            return None
    return index_store.rebuild(gallery, progress=progress)


def rebuild(
    index_store: IndexStore,
    gallery: Gallery,
    *,
    tier: Tier | Literal["auto", "same"] = "same",
    progress: Callable[[int], object] = lambda _: None,
) -> str:
    """Has every process make the gallery's index anew, and writes the snapshot for those of this machine.

    `tier`: from now on; "auto" leaves it to each process's settings. The name of the snapshot. Raises
    GalleryNotFound, EmbeddingsMissing, OSError.
    """
    with index_store.database.transaction() as session:
        gallery = galleries.request_rebuild(
            session, gallery.id, tier=None if tier == "auto" else tier, keep_tier=tier == "same"
        )
    return index_store.rebuild(gallery, progress=progress)


def prune_snapshots(index_store: IndexStore, gallery: Gallery, keep: int) -> list[str]:
    """Removes all but the newest `keep` of this machine's disk, and the damaged; their names."""
    snapshots = index_store.snapshots(gallery)
    if not snapshots.path.exists():
        return []
    with snapshots.locked():
        return snapshots.prune(keep)


def prune_log(database: Database, gallery: Gallery, older_than: timedelta) -> int:
    """Forgets old changes; how many. An index that is older than what is left is read anew."""
    with database.transaction(long=True) as session:
        return changes.prune(session, gallery.id, older_than=older_than)


def _newest(
    index_store: IndexStore, session: Session, gallery: Gallery, damaged: list[str], foreign: list[str]
) -> tuple[str | None, LiveIndex | None]:
    snapshots = index_store.snapshots(gallery)
    for name in snapshots.names():
        try:
            index_store.check(session, gallery, snapshots.manifest(name))
            return name, snapshots.load(name)[0]
        except (SnapshotForeign, ChangesPruned):
            continue
        except (LogForked, EmbeddingsReplaced) as error:
            foreign.append(f"snapshot {name}: {error.message}")
        except SnapshotDamaged as error:
            damaged.append(error.message)
    return None, None


def _embedded_by(index_store: IndexStore, gallery: Gallery) -> UUID | None:
    with index_store.database.reading() as session:
        return reindexes.embedded_by(session, gallery.id, index_store.card.fingerprint)


def _equal(replica: Replica, position: LogPosition, digest: str) -> bool | None:
    if replica.applied != position.number:
        return None
    return replica.token == position.token and replica.digest == digest
