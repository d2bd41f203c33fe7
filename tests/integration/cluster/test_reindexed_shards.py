"""A gallery in shards is re-indexed to another model: its index is never whole in a serving process."""

from concurrent.futures import Future

import numpy as np
import pytest

from benchmarks import face_vectors
from indexer.records import galleries, shard_sets
from indexer.reindex import switch
from indexer.replica import gallery_index
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline_factory
from tests.integration.cluster.conftest import LEAST_FACES, Sharded
from tests.support import strangers
from tests.support.reindexing import NEW, OLD, Operator

NAME = "changing"
PEOPLE = LEAST_FACES + 4


def test_the_new_model_is_searched_in_shards_from_the_switch_on(
    sharded: Sharded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the old one again after a rollback. No index of the gallery is opened in this process for it."""
    with sharded.database.transaction() as session:
        galleries.create(session, NAME)
    strangers.enrol(sharded.database, NAME, PEOPLE, also=NEW)
    enrolled = face_vectors.gallery(PEOPLE, 0)
    sharded.wait_for_shards(NAME)
    opened = []
    build = gallery_index.GalleryIndex.build

    def recorded(self: gallery_index.GalleryIndex) -> "Future[None]":
        opened.append((self.gallery_name, self.card.fingerprint))
        return build(self)

    monkeypatch.setattr(gallery_index.GalleryIndex, "build", recorded)
    settings = Settings(home=sharded.home, database_url=sharded.url)
    with open_pipeline_factory(settings) as factory:
        operator = Operator(settings, sharded.database, factory, name=NAME)
        job = operator.start()
        assert operator.work(job).row.state == "ready", operator.events(job)

    switch.activate(sharded.database, job.row.id, patience_seconds=60)

    assert sharded.gallery(NAME).model_fingerprint == NEW.fingerprint
    index = sharded.index(NAME)
    assert type(index).__name__ == "ShardedIndex"
    found = index.search_identities(np.stack([strangers.alike(one) for one in enrolled]), 1)
    assert [row[0].face_score for row in found] == pytest.approx([1.0] * PEOPLE, abs=1e-5)

    switch.rollback(sharded.database, job.row.id, patience_seconds=60)

    found = sharded.index(NAME).search_identities(enrolled, 1)
    assert [row[0].face_score for row in found] == pytest.approx([1.0] * PEOPLE, abs=1e-5)
    assert type(sharded.index(NAME)).__name__ == "ShardedIndex"
    assert [one for one in opened if one[0] == NAME] == []
    with sharded.database.reading() as session:
        active = shard_sets.in_use(session, [sharded.gallery(NAME).id])
    assert sorted(one.model for one in active) == sorted([OLD.fingerprint, NEW.fingerprint])
