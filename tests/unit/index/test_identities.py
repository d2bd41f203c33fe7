"""Searches for identities, compared with a sort of all faces by identity."""

from typing import Any
from uuid import UUID

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.index.build import RecallRequirement, build
from indexer.index.gpu.batching import BatchingSearcher
from indexer.index.gpu.sharded import Sharded
from indexer.index.live import LiveIndex
from indexer.index.searcher import FaissSearcher, Searcher
from indexer.types import Change, ChangeKind, Owners, Tier, Vectors
from tests.support.vectors import empty_searcher, unit_vectors

DIMENSION = 8
REQUIREMENT = RecallRequirement(genuine_cosines=[0.4, 0.9], threshold=0.5, min_recall=0.0)


def unit(seed: int, count: int) -> Vectors:
    return unit_vectors(seed, count, DIMENSION)


def people(seed: int, faces: list[int], spread: float) -> tuple[Vectors, Owners]:
    """For each person so many faces, around a point of their own, in random order."""
    rng = np.random.default_rng(seed)
    owners = rng.permutation(np.repeat(np.arange(len(faces), dtype=np.int64) * 1_000_003 + 5, faces))
    centres = unit(seed + 1, len(faces))[(owners - 5) // 1_000_003]
    vectors = centres + spread * rng.standard_normal(centres.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float16).astype(np.float32), owners


def best_of_each(probe: Vectors, vectors: Vectors, owners: Owners, alive: NDArray[np.bool_]) -> list[float]:
    """The score of the nearest face of each person, best first."""
    scores = vectors @ probe
    return sorted(float(scores[alive & (owners == one)].max()) for one in set(owners[alive].tolist()))[::-1]


def on_simulated_gpus() -> Searcher:
    """The tier `gpu` on flat indexes of the CPU, as in `test_gpu`."""
    flat: list[Any] = [
        faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        for _ in range(2)
    ]
    nothing = np.empty(0, np.int64)
    return BatchingSearcher(FaissSearcher(Tier.GPU, Sharded(flat, DIMENSION), nothing, nothing))


def searcher_of(tier: Tier) -> Searcher:
    return on_simulated_gpus() if tier is Tier.GPU else empty_searcher(tier, DIMENSION)


few_with_many = st.lists(st.integers(1, 400), min_size=1, max_size=6)
many_with_few = st.lists(st.integers(1, 3), min_size=1, max_size=200)
one_among_many = st.tuples(st.integers(100, 600), many_with_few).map(lambda both: [both[0], *both[1]])


@pytest.mark.parametrize("tier", [Tier.EXACT, Tier.EXACT_FP16, Tier.GPU])
@given(
    seed=st.integers(0, 10_000),
    faces=few_with_many | many_with_few | one_among_many,
    k=st.integers(1, 12),
    spread=st.sampled_from([0.02, 0.3, 3.0]),
    deleted_share=st.sampled_from([0.0, 0.1, 0.9, 1.0]),
    whole_people_deleted=st.integers(0, 4),
)
@settings(max_examples=60, deadline=None)
def test_a_search_returns_the_best_face_of_each_of_the_best_people(
    tier: Tier,
    seed: int,
    faces: list[int],
    k: int,
    spread: float,
    deleted_share: float,
    whole_people_deleted: int,
) -> None:
    vectors, owners = people(seed, faces, spread)
    keys = np.arange(len(owners), dtype=np.int64) * 3 + 1
    searcher = searcher_of(tier)
    for start in range(0, len(keys), 150):
        stop = start + 150
        searcher.add(keys[start:stop], vectors[start:stop], owners[start:stop])
    alive = np.random.default_rng(seed).random(len(keys)) >= deleted_share
    alive &= ~np.isin(owners, np.unique(owners)[:whole_people_deleted])
    searcher.remove(keys[~alive])
    probes = np.concatenate([unit(seed + 2, 2), vectors[:2]])  # strangers, and mates amid their own faces

    scores, found, *_ = searcher.search_identities(probes, k)

    for probe, row_scores, row in zip(probes, scores, found, strict=True):
        expected = best_of_each(probe, vectors, owners, alive)[:k]
        row_scores, row = row_scores[row >= 0], row[row >= 0]
        np.testing.assert_allclose(row_scores, expected, atol=2e-3 if tier is Tier.GPU else 1e-5)
        places = np.searchsorted(keys, row)
        np.testing.assert_allclose(vectors[places] @ probe, row_scores, atol=2e-3)
        assert alive[places].all()
        assert len(set(owners[places].tolist())) == len(row)


@pytest.mark.parametrize("tier", [tier for tier in Tier if tier is not Tier.GPU])
def test_everybody_is_found_however_many_faces_the_others_have(tier: Tier) -> None:
    """In `compact` too: a scan finds what its shortlist leaves out."""
    vectors, owners = people(1, [2_000, 1_000, 2], 0.05)
    keys = np.arange(len(owners), dtype=np.int64)
    searcher = build(tier, DIMENSION, lambda take: take(keys, vectors, owners), REQUIREMENT).searcher
    assert searcher.tier is tier

    found = searcher.search_identities(vectors[:3], 5).keys

    for row in found:
        assert set(owners[row[row >= 0]].tolist()) == set(owners.tolist())


@pytest.mark.parametrize("tier", [Tier.EXACT, Tier.COMPACT])
def test_many_faces_of_somebody_deleted_do_not_hide_the_others(tier: Tier) -> None:
    vectors, owners = people(2, [3_000] + 500 * [1], 0.05)
    keys = np.arange(len(owners), dtype=np.int64)
    searcher = build(tier, DIMENSION, lambda take: take(keys, vectors, owners), REQUIREMENT).searcher
    gone = owners == 5
    assert gone.sum() == 3_000
    searcher.remove(keys[gone])
    probe = vectors[gone][:1]

    by_identity = searcher.search_identities(probe, 5).scores
    by_face, keys_found = searcher.search(probe, 5)

    expected = best_of_each(probe[0], vectors, owners, ~gone)[:5]
    np.testing.assert_allclose(by_identity[0], expected, atol=2e-3)
    np.testing.assert_allclose(by_face[0], expected, atol=2e-3)
    assert not gone[keys_found].any()


def test_the_live_index_knows_whose_the_faces_of_the_log_are() -> None:
    index = LiveIndex(empty_searcher(Tier.EXACT, DIMENSION))
    vectors = unit(4, 6)
    index.apply(
        Change(
            number=n + 1, token=UUID(int=n + 1), kind=ChangeKind.ENROL, key=n + 1, vector=vector, owner=n % 2
        )
        for n, vector in enumerate(vectors)
    )

    [found] = index.search_identities(vectors[:1], 5)

    assert found[0].key == 1
    assert [neighbour.key % 2 for neighbour in found] == [1, 0]


def test_callers_of_both_kinds_wait_in_one_queue() -> None:
    searcher = on_simulated_gpus()
    vectors, owners = people(3, [5, 5, 5], 0.05)
    searcher.add(np.arange(15, dtype=np.int64), vectors, owners)

    assert searcher.search(vectors, 15)[1].min() >= 0
    assert (searcher.search_identities(vectors, 15).keys >= 0).sum(axis=1).tolist() == [3] * 15
