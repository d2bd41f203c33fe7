"""A gallery in shards is re-indexed to another model: its index is never whole in any process."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from benchmarks import face_vectors
from indexer.index import snapshots
from indexer.records import galleries, replicas, shard_sets
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.reindex import control, switch
from indexer.replica import gallery_index, verification
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.types import Vectors
from indexer.usecases.bootstrap import open_pipeline_factory
from tests.integration.cluster.conftest import LEAST_FACES, Sharded
from tests.support import strangers
from tests.support.faults.reindex_worker import killed_at
from tests.support.home import wait_for
from tests.support.reindexing import NEW, OLD, Operator, expire_leases

PEOPLE = LEAST_FACES + 4


@contextmanager
def searched_all_the_time(sharded: Sharded, name: str, probes: Vectors) -> Iterator[list[bool]]:
    """Whether each search, by the old model, found all people; at least one while the block runs."""
    found: list[bool] = []
    ending = threading.Event()

    def search() -> None:
        while not ending.wait(0.05):
            rows = sharded.index(name).search_identities(probes, 1)
            found.append([round(row[0].face_score, 4) for row in rows] == [1.0] * len(probes))

    thread = threading.Thread(target=search)
    thread.start()
    try:
        yield found
        wait_for(lambda: found)
    finally:
        ending.set()
        thread.join()


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Gallery and model of each whole index that is opened or built in this process, which has the server
    and the worker."""
    opened: list[tuple[str, str]] = []
    build, from_postgresql = gallery_index.GalleryIndex.build, IndexStore.build

    def opening(self: gallery_index.GalleryIndex) -> "Future[None]":
        opened.append((self.gallery_name, self.card.fingerprint))
        return build(self)

    def building(self: IndexStore, gallery: Any, **how: Any) -> Any:
        opened.append((gallery.name, self.card.fingerprint))
        return from_postgresql(self, gallery, **how)

    monkeypatch.setattr(gallery_index.GalleryIndex, "build", opening)
    monkeypatch.setattr(IndexStore, "build", building)
    return opened


def enrol(sharded: Sharded, name: str) -> Vectors:
    """The embeddings by the old model of the people of a new gallery in shards."""
    with sharded.database.transaction() as session:
        galleries.create(session, name)
    strangers.enrol(sharded.database, name, PEOPLE, also=NEW)
    sharded.wait_for_shards(name)
    return face_vectors.gallery(PEOPLE, 0)


def sets_by(database: Database, gallery: Gallery, model: str) -> list[Any]:
    with database.reading() as session:
        return [one for one in shard_sets.in_use(session, [gallery.id]) if one.model == model]


def test_the_new_models_shards_are_built_beside_and_a_killed_worker_is_followed_by_another(
    sharded: Sharded, whole: list[tuple[str, str]]
) -> None:
    """Searches go on meanwhile. No index of the gallery is whole anywhere, before and after the switch, and
    after a rollback; the digests of the shards add up to that of PostgreSQL."""
    name = "changing"
    enrolled = enrol(sharded, name)
    gallery = sharded.gallery(name)
    settings = Settings(home=sharded.home, database_url=sharded.url)
    whole.clear()
    with (
        open_pipeline_factory(settings) as factory,
        searched_all_the_time(sharded, name, enrolled) as found,
    ):
        operator = Operator(settings, sharded.database, factory, name=name)
        job = operator.start()
        assert job.row.plan["shards"] == 2
        killed_at("indexer.cluster.shards.sets:begin:after:1", settings)
        assert operator.job(job).row.state == "building"
        [begun] = sets_by(sharded.database, gallery, NEW.fingerprint)
        expire_leases(sharded.database)
        job = operator.work(job)

    assert job.row.state == "ready", operator.events(job)
    assert job.row.verified is not None
    assert job.row.verified["shard_set"] == str(begun.id)
    assert all(found)
    proof = verification.verify(operator.index_store.of_model(NEW), gallery)
    assert proof.clean
    assert [one.adds_up for one in proof.sets] == [True]

    switch.activate(sharded.database, job.row.id, patience_seconds=60)

    assert sharded.gallery(name).model_fingerprint == NEW.fingerprint
    index = sharded.index(name)
    assert type(index).__name__ == "ShardedIndex"
    by_new = index.search_identities(np.stack([strangers.alike(one) for one in enrolled]), 1)
    assert [row[0].face_score for row in by_new] == pytest.approx([1.0] * PEOPLE, abs=1e-5)

    switch.rollback(sharded.database, job.row.id, patience_seconds=60)

    by_old = sharded.index(name).search_identities(enrolled, 1)
    assert [row[0].face_score for row in by_old] == pytest.approx([1.0] * PEOPLE, abs=1e-5)
    assert type(sharded.index(name)).__name__ == "ShardedIndex"
    assert [one for one in whole if one[0] == name] == []
    assert NEW.fingerprint not in snapshots.models(operator.index_store.root, gallery.id)

    switch.activate(sharded.database, job.row.id, patience_seconds=60)
    control.cleanup(sharded.database, job.row.id)
    assert operator.work(job).row.state == "done"

    assert sets_by(sharded.database, gallery, OLD.fingerprint) == []
    wait_for(lambda: living_sets(sharded, gallery) == {begun.id})
    assert type(sharded.index(name)).__name__ == "ShardedIndex"
    assert [one for one in whole if one[0] == name] == []


def living_sets(sharded: Sharded, gallery: Gallery) -> set[Any]:
    """Ids of the sets whose copies of the gallery's shards report themselves."""
    with sharded.database.reading() as session:
        reports = replicas.by_gallery(session, [gallery.id])[gallery.id]
    return {process.shard_set_id for process, _ in reports} - {None}
