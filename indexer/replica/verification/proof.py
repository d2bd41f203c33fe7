"""`gemel index verify`: indexes of a gallery and of its shards, compared with PostgreSQL at one moment."""

from dataclasses import dataclass, field

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
from indexer.records import changes, galleries, shard_sets
from indexer.records.database.session import Session
from indexer.records.enrolled import contents, person_templates
from indexer.records.tables import Gallery, ShardSet
from indexer.replica.store import IndexStore, snapshot_check
from indexer.replica.verification.contents import Contents, ReplicaVerdict, compare_replicas
from indexer.types import Keys, LogPosition, Owners, Part, PersonScore, Vectors


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Of a gallery, or of the part that a shard holds: PostgreSQL's rows beside this machine's snapshot."""

    part: Part | None
    snapshot: str | None
    """None where there is none: then a start reads PostgreSQL, and nothing can differ."""
    position: LogPosition
    """Of the change up to which both sides were compared."""
    count: int
    """Faces in PostgreSQL."""
    templates: int
    """Person templates in PostgreSQL."""
    digest: str
    """Of PostgreSQL's vectors."""
    index_digest: str | None
    difference: Difference = field(default_factory=Difference)
    damaged: list[str] = field(default_factory=list)
    """What is wrong with snapshots that cannot be read."""
    foreign: list[str] = field(default_factory=list)
    """Snapshots that were made from another history of the gallery, and are not used."""

    @property
    def applied(self) -> int:
        """Number of this change."""
        return self.position.number

    @property
    def clean(self) -> bool:
        return self.index_digest in (None, self.digest) and not self.difference and not self.damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardsProof:
    """Of a set of shards."""

    shard_set: ShardSet
    shards: list[Proof]
    adds_up: bool
    """Whether the digests of all parts make that of the gallery: each row is in one part."""

    @property
    def clean(self) -> bool:
        return self.adds_up and all(shard.clean for shard in self.shards)


@dataclass(frozen=True, kw_only=True)
class Verification(Proof):
    """Of a whole gallery, with its shards."""

    people_without_template: int
    """People who should have one: a change of the gallery's person score was interrupted. Capped."""
    leftover_templates: int
    """Of people who should have none, likewise."""
    sets: list[ShardsProof] = field(default_factory=list)
    """Of shards that serve or are being built."""
    replicas: list[ReplicaVerdict] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        others = all(replica.equal is not False for replica in self.replicas)
        templates = not self.people_without_template and not self.leftover_templates
        return super().clean and all(one.clean for one in self.sets) and others and templates


def verify(store: IndexStore, gallery: Gallery) -> Verification:
    """Loads the newest snapshot that a start would, replays the log, and compares each face; the same for
    each shard, whose part is read as the shard reads it.

    Everything is read in one snapshot of the database. What processes have reported of their indexes is
    compared too. Unlike a start it changes nothing on the disk.
    Raises GalleryNotFound, EmbeddingsMissing.
    """
    with store.database.repeatable_read() as session:
        whole = _prove(session, store, gallery)
        sets = [
            _prove_shards(session, store, gallery, one, whole)
            for one in shard_sets.in_use(session, [gallery.id])
            if one.model == store.card.fingerprint
        ]
        without, leftover = _amiss(session, gallery)
    of = Contents(
        position=whole.position,
        count=whole.count,
        digest=whole.digest,
        of_parts={shard.part: shard.digest for one in sets for shard in one.shards if shard.part is not None},
    )
    return Verification(
        **vars(whole),
        people_without_template=without,
        leftover_templates=leftover,
        sets=sets,
        replicas=compare_replicas(store, gallery, of),
    )


def _prove_shards(
    session: Session, store: IndexStore, gallery: Gallery, shard_set: ShardSet, whole: Proof
) -> ShardsProof:
    proofs = [_prove(session, store.of_part(part), gallery) for part in shard_set.parts]
    total = Digest()
    for proof in proofs:
        total.join(Digest.from_hex(proof.digest))
    return ShardsProof(shard_set=shard_set, shards=proofs, adds_up=total.hex == whole.digest)


def _prove(session: Session, store: IndexStore, gallery: Gallery) -> Proof:
    """Of what the indexes of `store` hold."""
    damaged: list[str] = []
    foreign: list[str] = []
    truth = Digest()
    count = templates = 0
    model = store.card.fingerprint
    name, index = _newest(store, session, gallery, damaged, foreign)
    if index is not None:
        while tail := changes.read_after(session, gallery.id, index.position, model, store.part):
            index.apply(tail)
    comparison = None if index is None else Comparison(index.searcher)

    def take(keys: Keys, vectors: Vectors, owners: Owners) -> None:
        nonlocal count, templates
        count += int(np.count_nonzero(owners > 0))
        templates += int(np.count_nonzero(owners < 0))
        truth.add(keys, vectors)
        if comparison is not None:
            comparison.take(keys, vectors, owners)

    position = contents.read_enrolled(session, gallery.id, model, take, store.part)
    return Proof(
        part=store.part,
        snapshot=name,
        position=position,
        count=count,
        templates=templates,
        digest=truth.hex,
        index_digest=None if index is None else index.digest,
        difference=Difference() if comparison is None else comparison.difference(),
        damaged=damaged,
        foreign=foreign,
    )


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
