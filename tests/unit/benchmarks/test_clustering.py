"""The measures of the clustering benchmark, and its rivals on faces that are easy to group."""

import numpy as np
import pytest

from benchmarks.clustering.graph import Graph
from benchmarks.clustering.measures import accuracy
from benchmarks.clustering.methods import METHODS, Method, has_leiden
from tests.support.vectors import unit_vectors


def test_pairs_and_faces_are_weighed_as_defined() -> None:
    people = np.array([0, 0, 0, 0, 1, 1])
    groups = np.array([5, 5, 5, 6, 6, 7])

    found = accuracy(groups, people)

    assert found.groups == 3
    assert found.pair_precision == pytest.approx(3 / 4)  # of the pairs (0 1 2) and (3 4), the latter is false
    assert found.pair_recall == pytest.approx(3 / 7)
    assert found.bcubed_precision == pytest.approx((1 + 1 + 1 + 1 / 2 + 1 / 2 + 1) / 6)
    assert found.bcubed_recall == pytest.approx((3 * 3 / 4 + 1 / 4 + 1 / 2 + 1 / 2) / 6)


def test_equal_groups_agree_whatever_their_numbers_are() -> None:
    found = accuracy(np.array([9, 9, 2, 4]), np.array([0, 0, 1, 2]))

    assert (found.pair_f, found.bcubed_f) == (1, 1)


# Rank order compares lists of neighbours, which are too alike where there are few faces.
BY_SIMILARITY = [method for method in METHODS if method.name != "rank order"]


@pytest.mark.parametrize("method", BY_SIMILARITY, ids=lambda method: method.name)
def test_every_method_by_similarity_groups_people_who_are_far_apart(method: Method) -> None:
    if method.name == "Leiden" and not has_leiden():
        pytest.skip("leidenalg is not installed")
    centres = np.repeat(unit_vectors(0, 20, 64), 5, axis=0)
    vectors = centres + 0.02 * unit_vectors(1, 100, 64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    groups = method.group(Graph.of(vectors), 2 if method.name == "HDBSCAN" else 0.5)

    assert accuracy(groups, np.repeat(np.arange(20), 5)).bcubed_f == 1
