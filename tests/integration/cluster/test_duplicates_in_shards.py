"""A gallery in shards is searched for people who are enrolled twice; no process has its whole index."""

from functools import partial

import pytest

from indexer.duplicates import gallery_search, pairs, sharded_pairs
from indexer.duplicates.sharded_pairs import OpenShards
from indexer.errors import Misconfigured
from indexer.replica.store import IndexStore
from tests.integration.cluster.conftest import GALLERY, Sharded
from tests.support.home import wait_for
from tests.support.strangers import CARD

THRESHOLD = 0.15
"""Which many pairs of strangers of the test reach."""


def test_the_shards_find_the_same_pairs_as_one_index_of_the_whole_gallery(
    sharded: Sharded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharded_pairs, "PEOPLE", 10)
    monkeypatch.setattr(sharded_pairs, "BATCH", 3)
    engine, gallery = sharded.engine, sharded.gallery()
    assert engine.sharding is not None
    whole = pairs.find(engine.index_store.open(gallery.id).index.searcher, THRESHOLD)
    shards = OpenShards(partial(engine.sharding.open_for_job, gallery, engine.index_store))
    searched: list[int] = []

    found = sharded_pairs.find(
        shards, engine.database, gallery.id, CARD.fingerprint, THRESHOLD, searched.append
    )

    assert len(found.pairs) > 20
    assert found.pairs.keys() == whole.pairs.keys()
    assert [one.score for one in found.pairs.values()] == pytest.approx(
        [whole.pairs[both].score for both in found.pairs], abs=1e-5
    )
    assert (found.people, found.faces) == (whole.people, whole.faces)
    assert (sum(searched), max(searched)) == (whole.faces, 3)


def test_nobody_opens_the_whole_index_of_a_gallery_in_shards(
    sharded: Sharded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a Ray cluster, a search for duplicates says what to set instead."""
    engine, gallery = sharded.engine, sharded.gallery()
    opened: list[object] = []
    monkeypatch.setattr(IndexStore, "open", lambda *_, **__: opened.append(None))

    with pytest.raises(Misconfigured, match="GEMEL_CLUSTER"):
        gallery_search.search(engine.index_store, engine.calibrations, gallery)
    found = gallery_search.search(
        engine.index_store, engine.calibrations, gallery, fpir=0.01, shards=engine.sharding
    )

    assert found.faces == gallery.face_count
    assert found.decision is not None
    jobs = f"/v1/galleries/{GALLERY}/duplicate-searches"
    job = sharded.client.post(jobs, json={}).raise_for_status().json()["id"]
    wait_for(lambda: sharded.client.get(f"{jobs}/{job}").json()["ended_at"])
    ended = sharded.client.get(f"{jobs}/{job}").json()
    assert (ended["state"], ended["figures"]["compared"]) == ("done", gallery.face_count)
    assert opened == []
