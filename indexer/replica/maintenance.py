"""What operators do with indexes: prove them equal to PostgreSQL, write snapshots, rebuild, prune."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal
from uuid import UUID

import numpy as np

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
from indexer.records import changes, galleries, reindexes, replicas
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import contents, person_templates
from indexer.records.tables import Gallery, Replica
from indexer.replica import status
from indexer.replica.store import IndexStore, snapshot_check
from indexer.types import Keys, LogPosition, Owners, PersonScore, Tier, Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaVerdict:
    """Of the index in a process that serves."""

    host: str
    pid: int
    applied: int
    equal: bool | None
    """Whether its digest is that of PostgreSQL, and its last change the same; None where it has reported a
    change with another number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    snapshot: str | None
    """None where there is none: then a start reads PostgreSQL, and nothing can differ."""
    applied: int
    """Number of the change up to which both sides were compared."""
    count: int
    """Faces in PostgreSQL."""
    templates: int
    """Person templates in PostgreSQL."""
    people_without_template: int
    """People who should have one: a change of the gallery's person score was interrupted. Capped."""
    leftover_templates: int
    """Of people who should have none, likewise."""
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
        whole = not self.people_without_template and not self.leftover_templates
        return equal and others and whole and not self.difference and not self.damaged


def verify(store: IndexStore, gallery: Gallery) -> Verification:
    """Loads the newest snapshot that a start would, replays the log, and compares each face.

    Both sides are read in one snapshot of the database. What serving processes have reported of their indexes
    is compared too. Unlike a start it changes nothing on the disk.
    Raises GalleryNotFound, EmbeddingsMissing.
    """
    damaged: list[str] = []
    foreign: list[str] = []
    truth = Digest()
    count = templates = 0
    with store.database.repeatable_read() as session:
        name, index = _newest(store, session, gallery, damaged, foreign)
        if index is not None:
            while tail := changes.read_after(session, gallery.id, index.position, store.card.fingerprint):
                index.apply(tail)
        comparison = None if index is None else Comparison(index.searcher)

        def take(keys: Keys, vectors: Vectors, owners: Owners) -> None:
            nonlocal count, templates
            count += int(np.count_nonzero(owners > 0))
            templates += int(np.count_nonzero(owners < 0))
            truth.add(keys, vectors)
            if comparison is not None:
                comparison.take(keys, vectors, owners)

        position = contents.read_enrolled(session, gallery.id, store.card.fingerprint, take)
        without, leftover = _amiss(session, gallery)
    return Verification(
        snapshot=name,
        applied=position.number,
        count=count,
        templates=templates,
        people_without_template=without,
        leftover_templates=leftover,
        digest=truth.hex,
        index_digest=None if index is None else index.digest,
        difference=Difference() if comparison is None else comparison.difference(),
        damaged=damaged,
        foreign=foreign,
        replicas=compare_replicas(store, gallery, Contents(position=position, count=count, digest=truth.hex)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What PostgreSQL has of a gallery with one model."""

    position: LogPosition
    count: int
    """Faces."""
    digest: str


def read_contents(store: IndexStore, gallery: Gallery) -> Contents:
    """Reads every embedding, in one snapshot of the database. Raises GalleryNotFound, EmbeddingsMissing."""
    truth = Digest()
    count = 0

    def take(keys: Keys, vectors: Vectors, owners: Owners) -> None:
        nonlocal count
        count += int(np.count_nonzero(owners > 0))
        truth.add(keys, vectors)

    with store.database.repeatable_read() as session:
        position = contents.read_enrolled(session, gallery.id, store.card.fingerprint, take)
    return Contents(position=position, count=count, digest=truth.hex)


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
) -> str:
    """Has every process rebuild the gallery's index, and writes the snapshot for those of this machine.

    `tier`: from now on; "auto" leaves it to each process's settings. The name of the snapshot. Raises
    GalleryNotFound, EmbeddingsMissing, OSError.
    """
    with store.database.transaction() as session:
        gallery = galleries.request_rebuild(
            session, gallery.id, tier=None if tier == "auto" else tier, keep_tier=tier == "same"
        )
    return store.rebuild(gallery, progress=progress)


def prune_snapshots(store: IndexStore, gallery: Gallery, keep: int) -> list[str]:
    """Removes all but the newest `keep` from this machine's disk, and the damaged; their names."""
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


def _newest(
    store: IndexStore, session: Session, gallery: Gallery, damaged: list[str], foreign: list[str]
) -> tuple[str | None, LiveIndex | None]:
    snapshots = store.snapshots(gallery)
    for name in snapshots.names():
        try:
            snapshot_check.check(session, gallery.id, store.card.fingerprint, snapshots.manifest(name))
            return name, snapshots.load(name)[0]
        except (SnapshotForeign, ChangesPruned):
            continue
        except (LogForked, EmbeddingsReplaced) as error:
            foreign.append(f"snapshot {name}: {error.message}")
        except SnapshotDamaged as error:
            damaged.append(error.message)
    return None, None


def _amiss(session: Session, gallery: Gallery) -> tuple[int, int]:
    """How many templates are missing, and how many should not be there; at most 1,000."""
    score = galleries.by_ids(session, [gallery.id])[gallery.id].person_score
    if score == PersonScore.FUSED:
        return len(person_templates.people_without(session, gallery.id, at_most=1_000)), 0
    return 0, len(person_templates.people_with(session, gallery.id, at_most=1_000))


def compare_replicas(store: IndexStore, gallery: Gallery, of: Contents) -> list[ReplicaVerdict]:
    """Of the indexes that living processes have reported."""
    with store.database.reading() as session:
        reported = replicas.by_gallery(session, [gallery.id])[gallery.id]
    return [
        ReplicaVerdict(
            host=process.host,
            pid=process.pid,
            applied=replica.applied,
            equal=_equal(replica, of.position, of.digest),
        )
        for process, replica in reported
        if replica.digest is not None and replica.model == store.card.fingerprint
    ]


def _equal(replica: Replica, position: LogPosition, digest: str) -> bool | None:
    if replica.applied != position.number:
        return None
    return replica.token == position.token and replica.digest == digest


def _embedded_by(store: IndexStore, gallery: Gallery) -> UUID | None:
    with store.database.reading() as session:
        return reindexes.embedded_by(session, gallery.id, store.card.fingerprint)
