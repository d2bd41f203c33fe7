"""Links between vectors: those of a comparison of everything with everything."""

import numpy as np
import pytest

from indexer.index import neighbours
from indexer.index.neighbours import links
from tests.support.vectors import unit_vectors

THRESHOLD = 0.5
VECTORS = unit_vectors(3, 2_000, 16)


def expected_pairs() -> set[tuple[int, int]]:
    cosines = VECTORS @ VECTORS.T
    np.fill_diagonal(cosines, -1)
    return {(int(a), int(b)) for a, b in np.argwhere(cosines >= THRESHOLD)}


def test_every_pair_above_the_threshold_is_linked_from_both_sides() -> None:
    found = links(VECTORS, np.arange(len(VECTORS)), len(VECTORS), THRESHOLD)

    assert set(zip(found.probes.tolist(), found.others.tolist(), strict=True)) == expected_pairs()
    assert not len(found.full)


def test_only_the_probes_are_searched_for() -> None:
    probes = np.array([5, 17, 1_999])

    found = links(VECTORS, probes, len(VECTORS), THRESHOLD)

    pairs = set(zip(found.probes.tolist(), found.others.tolist(), strict=True))
    assert pairs == {pair for pair in expected_pairs() if pair[0] in probes}


def test_a_probe_with_k_links_is_reported_as_full() -> None:
    k = 20
    counts = np.bincount([a for a, _ in expected_pairs()], minlength=len(VECTORS))

    found = links(VECTORS, np.arange(len(VECTORS)), k, THRESHOLD)

    assert found.full.tolist() == np.flatnonzero(counts >= k).tolist()
    assert np.bincount(found.probes).max() == k


@pytest.mark.parametrize(("required", "exact"), [(0.5, False), (1.01, True)])
def test_above_the_bound_compact_is_used_only_where_it_finds_enough(
    monkeypatch: pytest.MonkeyPatch, required: float, exact: bool
) -> None:
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", 1_000)
    monkeypatch.setattr(neighbours, "MIN_LINK_RECALL", required)

    found = links(VECTORS, np.arange(len(VECTORS)), len(VECTORS), THRESHOLD)

    assert found.exact is exact
    pairs = set(zip(found.probes.tolist(), found.others.tolist(), strict=True))
    assert len(pairs & expected_pairs()) >= 0.5 * len(expected_pairs())


def test_a_few_probes_among_many_vectors_are_compared_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "EXACT_UP_TO", 1_000)
    monkeypatch.setattr(neighbours, "MIN_LINK_RECALL", 0.5)

    found = links(VECTORS, np.arange(500), len(VECTORS), THRESHOLD)

    assert found.exact
