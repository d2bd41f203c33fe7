"""Searches a gallery in shards against itself: which people look like other people.

The shards are on other machines, because the index may be larger than this one. So the faces come from
PostgreSQL, some thousand people at a time, and each is searched for in all shards.
"""

import time
from collections.abc import Callable
from typing import Protocol, TypeVar
from uuid import UUID

import numpy as np

from indexer.duplicates.pairs import MOST, FacePair, PairsFound, add
from indexer.errors import IndexNotReady
from indexer.index.searchable_index import SearchableIndex
from indexer.records.database.session import Database
from indexer.records.enrolled import contents
from indexer.records.enrolled.owners import find_numbers
from indexer.records.enrolled.parts.people import count_people
from indexer.records.tables import Gallery
from indexer.replica.store import IndexStore
from indexer.types import Keys, Owners, Part, Vectors, block_of_people

PEOPLE = 4_096
"""People whose faces are in memory at once."""
BATCH = 64
"""Faces that are searched at once: few enough for a large shard to answer other searches meanwhile."""
PATIENCE_SECONDS = 600.0
"""How long all shards together have to answer a batch; also while the Ray cluster is away."""
CALL_SECONDS = 60.0
"""Of one call: then the shards are called again, unless the search was cancelled meanwhile."""
PAUSE_SECONDS = 1.0
"""Before shards are called again which do not answer."""
_EVERYBODY = 2**62

_T = TypeVar("_T")


class Shards(Protocol):
    """Searches galleries that are in shards. `Sharding` of `indexer.cluster` is one."""

    def open_for_job(self, gallery: Gallery, store: IndexStore, patience_seconds: float) -> SearchableIndex:
        """The shards with every change up to the gallery's row. `store`: of the model; `patience_seconds`: of
        each call. Raises IndexNotReady, EmbeddingsMissing, GalleryNotFound."""
        ...


def pause() -> None:
    time.sleep(PAUSE_SECONDS)


class OpenShards:
    """The shards of one gallery, which are waited for while they do not answer. One thread uses it."""

    def __init__(
        self, open_index: Callable[[float], SearchableIndex], wait: Callable[[], object] = pause
    ) -> None:
        """Calls nothing. `open_index` gets the patience of each call, in seconds, and raises as
        `open_for_job`. `wait` is called before each further try; what it raises ends the search."""
        self._open_index = open_index
        self._wait = wait
        self._index: SearchableIndex | None = None

    def patiently(self, call: Callable[[SearchableIndex], _T]) -> _T:
        """What `call` returns. It is repeated for PATIENCE_SECONDS, with the shards that serve the gallery by
        then: they may be others.

        Raises IndexNotReady if it is not answered by then, and what else `call` and the wait raise.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if self._index is None:
                    self._index = self._open_index(CALL_SECONDS)
                return call(self._index)
            except IndexNotReady:
                self._index = None
                if time.monotonic() >= until:
                    raise
            self._wait()


def find(
    shards: OpenShards,
    database: Database,
    gallery_id: UUID,
    fingerprint: str,
    threshold: float,
    progress: Callable[[int], object] = lambda _: None,
) -> PairsFound:
    """Each pair of people whose score reaches `threshold`, as `pairs.find`. `shards`: of the gallery;
    `fingerprint`: of its model. `progress` gets the number of faces of each batch.

    Raises IndexNotReady, EmbeddingsMissing, GalleryNotFound, and what `progress` and the waits raise.
    """
    pairs: dict[tuple[int, int], FacePair] = {}
    people = faces = 0
    for part in _parts(database, gallery_id):
        keys, vectors, owners = _read(database, gallery_id, fingerprint, part)
        people += len(np.unique(owners))
        faces += len(keys)
        numbers = dict(zip(keys.tolist(), owners.tolist(), strict=True))
        for start in range(0, len(keys), BATCH):
            batch = slice(start, start + BATCH)
            found = _search(shards, threshold, keys[batch], vectors[batch])
            unknown = {pair.other_key for pair in found} - numbers.keys()
            with database.reading() as session:
                others = numbers | find_numbers(session, gallery_id, unknown)
            for pair in found:
                if pair.other_key in others:  # not deleted or moved meanwhile
                    add(pairs, numbers[pair.key], others[pair.other_key], pair)
            progress(len(keys[batch]))
    return PairsFound(people=people, faces=faces, pairs=pairs)


def _parts(database: Database, gallery_id: UUID) -> list[Part]:
    """The gallery in parts of about PEOPLE people, which need not be those of its shards."""
    with database.repeatable_read() as session:  # no statement timeout: it may read ten million rows
        people = count_people(session, gallery_id, most=_EVERYBODY)
    count = max(1, -(-people // PEOPLE))
    return Part.every(count, block_of_people(people, count))


def _read(database: Database, gallery_id: UUID, fingerprint: str, part: Part) -> tuple[Keys, Vectors, Owners]:
    """Faces without the person templates, by key: shapes (n,), (n, dimension), (n,)."""
    batches: list[tuple[Keys, Vectors, Owners]] = []

    def keep(keys: Keys, vectors: Vectors, owners: Owners) -> None:
        is_face = owners > 0
        batches.append((keys[is_face], vectors[is_face], owners[is_face]))

    with database.repeatable_read() as session:
        contents.read_enrolled(session, gallery_id, fingerprint, keep, part)
    if not batches:
        return np.empty(0, np.int64), np.empty((0, 0), np.float32), np.empty(0, np.int64)
    keys, vectors, owners = zip(*batches, strict=True)
    return np.concatenate(keys), np.concatenate(vectors), np.concatenate(owners)


def _search(shards: OpenShards, threshold: float, keys: Keys, vectors: Vectors) -> list[FacePair]:
    """Pairs each face with the people near it, including the face's own person."""
    found = shards.patiently(lambda index: index.search_identities(vectors, MOST + 1))
    return [
        FacePair(key=key, other_key=near.key, score=near.score)
        for key, people in zip(keys.tolist(), found, strict=True)
        for near in people
        if near.score >= threshold
    ]
