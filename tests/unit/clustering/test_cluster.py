"""Groups of one person each: what holds for any vectors, and what is kept from one run to the next."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.clustering.cluster import NEW, cluster
from indexer.errors import InvalidRequest
from indexer.types import Vectors
from tests.support.vectors import unit_vectors

DIMENSION = 8
"""So few that strangers resemble each other now and then."""
ROUNDING = 1e-5

Groups = NDArray[np.int64]

faces = st.builds(
    lambda count, seed: unit_vectors(seed, count, DIMENSION), st.integers(2, 60), st.integers(0, 10_000)
)
thresholds = st.floats(0.3, 0.95)


def partition(groups: Groups) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(groups == group).tolist()) for group in np.unique(groups)}


def circle(*degrees: float) -> Vectors:
    """Unit vectors in a plane: their cosines are those of the angles between them."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def photographs(people: int, each: int, *, spread: float, dimension: int = 32, seed: int = 0) -> Vectors:
    """`each` unit vectors around each of `people` unit vectors, one person after the other."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(unit_vectors(seed, people, dimension), each, axis=0)
    vectors = centres + spread * rng.standard_normal(centres.shape).astype(np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


@settings(max_examples=50, deadline=None)
@given(vectors=faces, threshold=thresholds, seed=st.integers(0, 100))
def test_the_order_of_the_faces_does_not_matter(vectors: Vectors, threshold: float, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(vectors))

    groups, of_permuted = cluster(vectors, threshold), cluster(vectors[order], threshold)

    back = np.empty_like(of_permuted)
    back[order] = of_permuted
    assert partition(back) == partition(groups)


@settings(max_examples=50, deadline=None)
@given(vectors=faces, threshold=thresholds, neighbours=st.integers(1, 60))
def test_the_faces_of_a_group_reach_the_threshold_on_average_and_two_groups_do_not(
    vectors: Vectors, threshold: float, neighbours: int
) -> None:
    groups = cluster(vectors, threshold, neighbours=neighbours)

    cosines = vectors @ vectors.T
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    for place, one in enumerate(members):
        if len(one) > 1:
            within = cosines[np.ix_(one, one)][np.triu_indices(len(one), 1)]
            assert within.mean() >= threshold - ROUNDING
        for other in members[place + 1 :]:
            assert cosines[np.ix_(one, other)].mean() < threshold + ROUNDING


@settings(max_examples=50, deadline=None)
@given(vectors=faces, threshold=thresholds)
def test_a_group_has_the_number_of_its_first_face(vectors: Vectors, threshold: float) -> None:
    groups = cluster(vectors, threshold)

    assert all(np.flatnonzero(groups == group)[0] == group for group in groups)


@settings(max_examples=50, deadline=None)
@given(vectors=faces, threshold=thresholds, share=st.floats(0, 1), seed=st.integers(0, 100))
def test_new_faces_leave_the_groups_of_before_as_they_were(
    vectors: Vectors, threshold: float, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    before = np.where(rng.random(len(vectors)) < share, rng.integers(0, 10, len(vectors)), NEW)
    old = before != NEW

    groups = cluster(vectors, threshold, groups=before)

    assert np.array_equal(groups[old], before[old])
    opened = np.setdiff1d(groups, before[old])
    assert all(group > before.max() for group in opened)


@settings(max_examples=50, deadline=None)
@given(vectors=faces, threshold=thresholds, share=st.floats(0, 1), seed=st.integers(0, 100))
def test_groups_of_before_are_joined_on_request_but_never_split(
    vectors: Vectors, threshold: float, share: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    before = np.where(rng.random(len(vectors)) < share, rng.integers(0, 10, len(vectors)), NEW)

    groups = cluster(vectors, threshold, groups=before, join=True)

    for group in np.unique(before[before != NEW]):
        [joined] = np.unique(groups[before == group])
        assert joined <= group


@settings(max_examples=25, deadline=None)
@given(vectors=faces, threshold=thresholds)
def test_a_second_run_over_the_same_faces_changes_nothing(vectors: Vectors, threshold: float) -> None:
    groups = cluster(vectors, threshold)

    assert np.array_equal(cluster(vectors, threshold, groups=groups, join=True), groups)


def test_people_with_several_photographs_are_a_group_each() -> None:
    groups = cluster(photographs(50, 6, spread=0.1), 0.6)

    assert partition(groups) == {frozenset(range(start, start + 6)) for start in range(0, 300, 6)}


def test_people_in_portions_are_grouped_as_all_at_once() -> None:
    vectors = photographs(50, 6, spread=0.07)
    order = np.random.default_rng(1).permutation(len(vectors))
    shuffled = vectors[order]

    groups = np.empty(0, np.int64)
    for end in range(30, len(vectors) + 1, 30):
        before = np.concatenate([groups, np.full(end - len(groups), NEW)])
        groups = cluster(shuffled[:end], 0.6, groups=before)

    assert partition(groups) == partition(cluster(shuffled, 0.6))


def test_a_chain_of_look_alikes_is_not_one_group() -> None:
    chain = circle(*range(0, 180, 10))  # each a neighbour of the next; the ends are opposite

    groups = cluster(chain, float(np.cos(np.radians(25))))

    assert len(np.unique(groups)) > 3
    assert max(np.ptp(np.flatnonzero(groups == group)) for group in groups) * 10 < 60


def test_a_face_like_no_other_is_alone() -> None:
    groups = cluster(circle(0, 5, 90), 0.9)

    assert groups.tolist() == [0, 0, 2]


def test_a_new_face_joins_the_nearest_group_of_before() -> None:
    before = np.array([7, 3, NEW, NEW])

    groups = cluster(circle(0, 40, 35, 180), 0.7, groups=before)

    assert groups.tolist() == [7, 3, 3, 11]  # 8, the first free number, and its row


def test_a_new_face_between_two_groups_joins_them_only_on_request() -> None:
    vectors, before = circle(0, 40, 20), np.array([7, 3, NEW])

    separate, joined = cluster(vectors, 0.7, groups=before), cluster(vectors, 0.7, groups=before, join=True)

    assert separate[:2].tolist() == [7, 3]
    assert joined.tolist() == [3, 3, 3]


def test_more_photographs_of_a_person_than_neighbours_are_one_group() -> None:
    """Ten bursts of one person: each face's neighbours are all of its own burst."""
    bursts = np.repeat(photographs(1, 10, spread=0.05), 40, axis=0)

    groups = cluster(bursts, 0.5, neighbours=5)

    assert not groups.any()


def test_progress_counts_the_faces_that_are_searched() -> None:
    counts: list[int] = []
    vectors = photographs(20, 3, spread=0.1)

    groups = cluster(vectors, 0.6, progress=counts.append)
    cluster(vectors, 0.6, groups=np.where(np.arange(60) < 50, groups, NEW), progress=counts.append)

    assert counts == [60, 10]


def test_no_faces_are_no_groups() -> None:
    assert cluster(np.empty((0, 128), np.float32), 0.5).shape == (0,)


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.1, float("nan")])
def test_a_threshold_out_of_range_is_rejected(threshold: float) -> None:
    with pytest.raises(InvalidRequest, match="threshold"):
        cluster(circle(0, 10), threshold)


@pytest.mark.parametrize("factor", [0.0, 2.0, float("nan")])
def test_vectors_of_another_length_are_rejected(factor: float) -> None:
    with pytest.raises(InvalidRequest, match="length 1"):
        cluster(circle(0, 10) * np.float32(factor), 0.5)


def test_groups_of_another_shape_are_rejected() -> None:
    with pytest.raises(ValueError, match="shape"):
        cluster(circle(0, 10), 0.5, groups=np.zeros(3, np.int64))
