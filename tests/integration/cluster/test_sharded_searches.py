"""A search of shards answers as the search of one index does: with filters, with moves, over HTTP."""

import logging.config
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from indexer.cluster.search import requests
from indexer.cluster.search.copies import Copies
from indexer.cluster.search.requests import ShardRequest
from indexer.index.live import LiveIndex
from indexer.index.selections.selection import Selection
from indexer.records.tables import Identity, ShardSet
from indexer.replica.gallery_index import GalleryIndex
from indexer.types import GalleryState, Part, Vectors
from tests.integration.cluster.conftest import GALLERY, PEOPLE, Sharded, vectors_of
from tests.support.many_faces import enrol
from tests.support.strangers import CARD
from tests.support.vectors import unit_vectors


@pytest.fixture
def local(sharded: Sharded) -> LiveIndex:
    """The same gallery in this process."""
    engine = sharded.engine
    index = GalleryIndex(sharded.gallery(), engine.index_store, engine.index_cache.builds)
    return index.caught_up(sharded.gallery(), time.monotonic() + 30)


def probes() -> Vectors:
    return np.concatenate([unit_vectors(9_000, 10, CARD.dimension), *(vectors_of(n) for n in range(0, 9))])


@pytest.mark.parametrize("k", [1, 7, 3 * PEOPLE])
def test_the_best_people_and_faces_of_all_shards_are_those_of_one_index(
    sharded: Sharded, local: LiveIndex, k: int
) -> None:
    index = sharded.index()

    people, expected = index.search_identities(probes(), k), local.search_identities(probes(), k)
    assert [[one.key for one in row] for row in people] == [[one.key for one in row] for row in expected]
    for row, of_one in zip(people, expected, strict=True):
        assert [one.score for one in row] == pytest.approx([one.score for one in of_one], abs=1e-6)
        assert [one.faces for one in row] == [one.faces for one in of_one]
    faces, expected_faces = index.search(probes(), k), local.search(probes(), k)
    assert [[one.key for one in row] for row in faces] == [[one.key for one in row] for row in expected_faces]
    assert (index.count, index.faces, index.digest) == (local.count, local.faces, local.digest)


@pytest.mark.parametrize("excluded", [False, True])
@pytest.mark.parametrize("inline_bytes", [0, 65_536])
def test_a_search_among_some_people_finds_those_of_every_shard(
    sharded: Sharded,
    local: LiveIndex,
    monkeypatch: pytest.MonkeyPatch,
    excluded: bool,
    inline_bytes: int,
) -> None:
    monkeypatch.setattr(requests, "INLINE_BYTES", inline_bytes)  # 0: by checksum, and in full if unknown
    with sharded.database.reading() as session:
        numbers = sorted(session.scalars(select(Identity.number)))
    chosen = Selection(np.array(numbers[3 + excluded :: 4]), excluded=excluded)

    for _ in range(3):  # of both copies, and when they know it
        index = sharded.index()
        found = index.search_identities(probes(), PEOPLE, chosen)
        assert [[one.key for one in row] for row in found] == [
            [one.key for one in row] for row in local.search_identities(probes(), PEOPLE, chosen)
        ]
        assert index.count_faces(chosen) == local.count_faces(chosen) > 0
    assert sharded.index().count_faces(chosen) == local.count_faces(chosen)


def test_a_new_person_is_found_and_a_deleted_one_is_gone_at_the_first_search(sharded: Sharded) -> None:
    found = []
    for number in range(5_000, 5_010):
        vector = unit_vectors(number, 1, CARD.dimension)
        person = enrol(sharded.database, sharded.gallery().id, str(number), vector)
        found.append(sharded.index().search_identities(vector, 1)[0][0].face_score > 0.99)
        sharded.client.delete(f"/v1/galleries/{GALLERY}/identities/{person}").raise_for_status()
        found.append(sharded.index().search_identities(vector, 1)[0][0].face_score > 0.99)

    assert found == [True, False] * 10


@pytest.fixture
def shards_here(sharded: Sharded, monkeypatch: pytest.MonkeyPatch) -> Iterator["_ShardsHere"]:
    """The shards of the gallery in this process. They follow the log only when they are called."""
    from indexer.cluster.shards import shard

    monkeypatch.setenv("GEMEL_DATABASE_URL", sharded.url)
    monkeypatch.setenv("GEMEL_HOME", str(sharded.home))
    monkeypatch.setattr(logging.config, "dictConfig", lambda _: None)
    monkeypatch.setattr(shard, "Supervised", _NoThread)
    active = sharded.active()
    assert active is not None
    here = _ShardsHere(active, sharded.engine.sharding)
    yield here
    here.close()


@pytest.mark.parametrize("started_again", [False, True])
def test_a_face_that_moves_to_a_person_of_another_shard_is_in_the_answer(
    sharded: Sharded, shards_here: "_ShardsHere", started_again: bool
) -> None:
    """One shard has removed it already, the other has not added it yet, and the search has read the gallery's
    row before the move: the other is called again. So it is where the first one has started after the move,
    and has removed nothing itself."""
    with sharded.database.reading() as session:
        rows = session.scalars(
            select(Identity).where(Identity.gallery_id == sharded.gallery().id).order_by(Identity.number)
        ).all()
    first, second = (
        next(row for row in rows if part.holds(np.array([row.number]))[0]) for part in shards_here.parts
    )
    vector = unit_vectors(77_000 + started_again, 1, CARD.dimension)
    face = sharded.add_face(first.id, vector, photograph=77 + started_again)
    before = GalleryState.of(sharded.gallery())
    [[found]] = shards_here.index(before).search_identities(vector, 1)
    assert found.face_score == pytest.approx(1.0, abs=1e-5)
    assert shards_here.copies.counts.rounds == 0
    sharded.engine.people.move(GALLERY, first.id, [face], second.id)
    if started_again:
        shards_here.start_again(0)
    after = GalleryState.of(sharded.gallery())
    shards_here.shards[0].answer(ShardRequest(gallery=after, seconds=30))

    [[found]] = shards_here.index(before).search_identities(vector, 1)

    assert found.face_score == pytest.approx(1.0, abs=1e-5)
    assert shards_here.copies.counts.rounds == 1


def test_shards_need_not_be_at_the_same_change_while_people_are_enrolled(
    sharded: Sharded, shards_here: "_ShardsHere"
) -> None:
    """A person's template is replaced with each face: nobody is in two shards because of it."""
    before = GalleryState.of(sharded.gallery())
    shards_here.index(before).catch_up()
    with sharded.database.reading() as session:
        rows = session.scalars(select(Identity).where(Identity.gallery_id == before.id)).all()
    person = next(row for row in rows if shards_here.parts[0].holds(np.array([row.number]))[0])
    for photograph in (90, 91):
        sharded.add_face(person.id, unit_vectors(photograph, 1, CARD.dimension), photograph)
    shards_here.shards[0].answer(ShardRequest(gallery=GalleryState.of(sharded.gallery()), seconds=30))

    [[found]] = shards_here.index(before).search_identities(unit_vectors(91, 1, CARD.dimension), 1)

    assert found.face_score == pytest.approx(1.0, abs=1e-5)
    assert shards_here.copies.counts.rounds == 0


def test_a_photograph_is_identified_over_http_among_people_of_all_shards(
    sharded: Sharded, hopper: bytes, collins: bytes
) -> None:
    client, path = sharded.client, f"/v1/galleries/{GALLERY}"
    for name, photograph in (("Grace", hopper), ("Eileen", collins)):
        made = client.post(f"{path}/identities", data={"name": name}, files={"images": photograph})
        assert made.status_code == 201, made.text
    names = []
    for photograph in (hopper, collins):
        answer = client.post(f"{path}/identify", files={"image": photograph})
        assert answer.status_code == 200, answer.text
        names.append(answer.json()["faces"][0]["candidates"][0]["identity"]["name"])
    assert names == ["Grace", "Eileen"]
    assert client.get("/readyz").json()["shards"] == "ok"
    assert "gemel_cluster_searches_total" in client.get("/metrics").text


class _NoThread:
    def __init__(self, *_: object) -> None: ...

    def start(self) -> None: ...

    def close(self, *_: object) -> None: ...


class _ShardsHere:
    """Shards in this process, with one copy each, whose answers pass through Ray's store."""

    def __init__(self, shard_set: ShardSet, sharding: Any) -> None:
        self._set = shard_set
        self.session = sharding.connection.session
        self.parts = shard_set.parts
        self.copies = Copies(shard_set.shards, 1)
        self.shards = [self._start(part) for part in self.parts]

    def start_again(self, shard: int) -> None:
        """As a copy does whose node has ended."""
        self.shards[shard].close()
        self.shards[shard] = self._start(self.parts[shard])

    def index(self, gallery: GalleryState) -> Any:
        from indexer.cluster.search.sharded_index import PartSelections, ShardedIndex

        later = time.monotonic() + 30
        calls: Any = self
        return ShardedIndex(calls, self.copies, PartSelections(), gallery, lambda: later, lambda _: None)

    def ask(self, _: Any, shard: int, __: int, request: ShardRequest) -> Any:
        import ray

        return ray.put(self.shards[shard].answer(request))

    def close(self) -> None:
        for one in self.shards:
            one.close()

    def _start(self, part: Part) -> Any:
        from indexer.cluster.shards.shard import Shard

        return Shard(self._set.gallery_id, CARD, part, self._set.id)
