"""What PostgreSQL has of a gallery, as digests, beside what processes have reported of their indexes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from indexer.index.digest import Digest
from indexer.records import replicas
from indexer.records.database.session import Session
from indexer.records.enrolled import contents
from indexer.records.tables import Gallery, Process, Replica
from indexer.replica.store import IndexStore
from indexer.types import Keys, LogPosition, Owners, Part, Vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What PostgreSQL has of a gallery with one model."""

    position: LogPosition
    count: int
    """Faces."""
    digest: str
    of_parts: Mapping[Part, str] = field(default_factory=dict)
    """Digests of what shards hold."""

    def digest_of(self, part: Part | None) -> str | None:
        """None for a part that was not read."""
        return self.digest if part is None else self.of_parts.get(part)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaVerdict:
    """Of the index in a process that serves, or that holds a shard."""

    host: str
    pid: int
    shard: int | None
    """From 0; None for an index of the whole gallery."""
    applied: int
    equal: bool | None
    """Whether its digest is that of PostgreSQL, and its last change the same; None where it has reported a
    change with another number."""


def read_contents(store: IndexStore, gallery: Gallery, parts: Collection[Part] = ()) -> Contents:
    """Reads every embedding, in one snapshot of the database. Raises GalleryNotFound, EmbeddingsMissing."""
    with store.database.repeatable_read() as session:
        return _read(session, store, gallery, parts)


def _read(session: Session, store: IndexStore, gallery: Gallery, parts: Collection[Part]) -> Contents:
    truth, of_parts = Digest(), {part: Digest() for part in parts}
    count = 0

    def take(keys: Keys, vectors: Vectors, owners: Owners) -> None:
        nonlocal count
        count += int(np.count_nonzero(owners > 0))
        truth.add(keys, vectors)
        for part, digest in of_parts.items():
            held = part.holds(owners)
            digest.add(keys[held], vectors[held])

    position = contents.read_enrolled(session, gallery.id, store.card.fingerprint, take)
    return Contents(
        position=position,
        count=count,
        digest=truth.hex,
        of_parts={part: digest.hex for part, digest in of_parts.items()},
    )


def reported_parts(store: IndexStore, gallery: Gallery) -> set[Part]:
    """Those that living processes say they hold."""
    return {replica.part for _, replica in _reported(store, gallery) if replica.part is not None}


def compare_replicas(store: IndexStore, gallery: Gallery, of: Contents) -> list[ReplicaVerdict]:
    """Of the indexes that living processes have reported, of the whole and of the parts in `of`."""
    verdicts = []
    for process, replica in _reported(store, gallery):
        digest = of.digest_of(replica.part)
        if digest is not None:
            verdicts.append(
                ReplicaVerdict(
                    host=process.host,
                    pid=process.pid,
                    shard=replica.shard,
                    applied=replica.applied,
                    equal=_equal(replica, of.position, digest),
                )
            )
    return verdicts


def _reported(store: IndexStore, gallery: Gallery) -> list[tuple[Process, Replica]]:
    with store.database.reading() as session:
        reported = replicas.by_gallery(session, [gallery.id])[gallery.id]
    return [
        (process, replica)
        for process, replica in reported
        if replica.digest is not None and replica.model == store.card.fingerprint
    ]


def _equal(replica: Replica, position: LogPosition, digest: str) -> bool | None:
    if replica.applied != position.number:
        return None
    return replica.token == position.token and replica.digest == digest
