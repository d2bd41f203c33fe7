"""Every tier against a plain sort, with deletions; `compact` is rejected where its recall is too low."""

import numpy as np
import pytest

from indexer.index.build import AddBatch, BuildResult, RecallRequirement, build
from indexer.index.compare import Comparison
from indexer.index.digest import Digest
from indexer.types import Keys, Tier, Vectors
from tests.support.vectors import unit_vectors

DIMENSION = 32
COUNT = 3_000
REQUIREMENT = RecallRequirement(genuine_cosines=[0.4, 0.6, 0.7, 0.9], threshold=0.5, min_recall=0.95)
STORED = [Tier.EXACT, Tier.EXACT_FP16, Tier.COMPACT]
"""Tiers of snapshots; `gpu` is a copy of one of these."""


def unit(seed: int, count: int) -> Vectors:
    return unit_vectors(seed, count, DIMENSION)


KEYS: Keys = np.arange(COUNT, dtype=np.int64) * 3 + 5
VECTORS = unit(1, COUNT)


def built(
    tier: Tier, requirement: RecallRequirement = REQUIREMENT, vectors: Vectors = VECTORS
) -> BuildResult:
    def feed(add: AddBatch) -> None:
        for start in range(0, len(vectors), 700):
            keys = KEYS[: len(vectors)][start : start + 700]
            add(keys, vectors[start : start + 700], keys % 7)

    return build(tier, DIMENSION, feed, requirement)


@pytest.mark.parametrize("tier", STORED)
def test_every_enrolled_face_is_found_by_its_own_vector_and_no_deleted_one_is(tier: Tier) -> None:
    searcher = built(tier).searcher
    assert searcher.tier is tier
    more = unit(2, 500)
    more_keys = np.arange(500, dtype=np.int64) + KEYS[-1] + 1
    searcher.add(more_keys, more, more_keys % 7)
    deleted = np.concatenate([KEYS[:900], more_keys[::2]])

    removed, _ = searcher.remove(deleted)
    again, _ = searcher.remove(deleted)

    assert sorted(removed) == sorted(deleted)
    assert len(again) == 0
    assert searcher.count == COUNT + 500 - len(deleted)
    assert searcher.tombstones == len(deleted)
    keys, vectors = np.concatenate([KEYS, more_keys]), np.concatenate([VECTORS, more])
    alive = ~np.isin(keys, deleted)
    _, found = searcher.search(vectors[alive], 5)
    assert not np.isin(found, deleted).any()
    np.testing.assert_array_equal(found[:, 0], keys[alive])


@pytest.mark.parametrize("tier", STORED)
def test_after_deletions_the_answers_are_those_of_a_sort_of_what_is_left(tier: Tier) -> None:
    """The nearest 200 of each probe are deleted, so that a search must ask for many more than it returns."""
    searcher = built(tier).searcher
    probes = unit(3, 4)
    nearest = np.argsort(-(probes @ VECTORS.T), axis=1)[:, :200]
    searcher.remove(KEYS[np.unique(nearest)])
    left = np.setdiff1d(np.arange(COUNT), nearest)

    scores, found = searcher.search(probes, 3)

    exact = probes @ VECTORS[left].T
    order = np.argsort(-exact, axis=1)[:, :3]
    np.testing.assert_array_equal(found, KEYS[left][order])
    np.testing.assert_allclose(scores, np.take_along_axis(exact, order, axis=1), atol=2e-3)


@pytest.mark.parametrize("tier", STORED)
def test_a_comparison_is_bit_by_bit_and_names_each_difference(tier: Tier) -> None:
    searcher = built(tier).searcher
    searcher.remove(KEYS[7:9])
    truth = VECTORS.copy()
    truth[20] = truth[21]

    comparison = Comparison(searcher)
    owners = KEYS % 7
    owners[30] += 1
    comparison.take(KEYS[:2_000], truth[:2_000], owners[:2_000])
    comparison.take(
        np.append(KEYS[2_000:2_990], 10**9),
        np.concatenate([truth[2_000:2_990], unit(4, 1)]),
        np.append(owners[2_000:2_990], 1),
    )
    difference = comparison.difference()

    assert difference.missing == [*KEYS[7:9].tolist(), 10**9]
    assert difference.changed == [KEYS[20], KEYS[30]]
    assert difference.surplus == KEYS[2_990:].tolist()


def test_all_tiers_have_the_same_digest_which_follows_from_their_contents() -> None:
    digests = set()
    for tier in STORED:
        made = built(tier)
        contents = Digest()
        for keys, vectors, _ in made.searcher.contents():
            contents.add(keys, vectors)
        digests |= {made.digest.hex, contents.hex}

    assert len(digests) == 1


def test_compact_is_rejected_where_its_recall_is_too_low() -> None:
    """Faces that are nearly equal: sixteen code words for two dimensions cannot separate them, and the
    shortlist holds a tenth of them."""
    alike = unit(5, 1) + 0.002 * unit(6, COUNT)
    alike /= np.linalg.norm(alike, axis=1, keepdims=True)
    requirement = RecallRequirement(genuine_cosines=[0.9999, 1.0], threshold=0.5, min_recall=1.0)

    made = built(Tier.COMPACT, requirement, alike)

    assert made.recall is not None
    assert made.recall.overall < 1
    assert made.searcher.tier is Tier.EXACT_FP16
    assert made.rejected is not None
    assert f"{made.recall.overall:.4f}" in made.rejected


def test_too_few_faces_to_train_on_are_searched_exactly() -> None:
    made = built(Tier.COMPACT, vectors=VECTORS[:100])

    assert made.searcher.tier is Tier.EXACT_FP16
    assert made.rejected is not None


def test_keys_that_do_not_ascend_are_rejected() -> None:
    searcher = built(Tier.EXACT).searcher

    with pytest.raises(ValueError, match="ascend"):
        searcher.add(KEYS[:1], VECTORS[:1], KEYS[:1])
