"""A gallery's search against itself finds the pairs that comparing everybody with everybody finds."""

import numpy as np
import pytest

from indexer.duplicates import pairs
from indexer.index.searcher import FaissSearcher
from indexer.mean_template import mean_templates
from indexer.types import Owners, Tier, Vectors
from tests.support.vectors import empty_searcher, unit_vectors

DIMENSION = 16
"""So few that strangers resemble each other now and then."""


def searcher_of(vectors: Vectors, owners: Owners, *, templates: bool, first_key: int = 1) -> FaissSearcher:
    """The faces under ascending keys, then a template of each person with several."""
    searcher = empty_searcher(Tier.EXACT, DIMENSION)
    searcher.add(np.arange(len(vectors)) + first_key, vectors, owners)
    if templates:
        for person in np.unique(owners):
            if np.count_nonzero(owners == person) > 1:
                key = np.array([int(searcher.keys[-1]) + 1])
                searcher.add(key, template(vectors[owners == person]), np.array([-person]))
    return searcher


def template(vectors: Vectors) -> Vectors:
    mean: Vectors = mean_templates(vectors, np.array([0]))[0]
    return mean


def everybody_with_everybody(
    vectors: Vectors, owners: Owners, threshold: float, *, templates: bool
) -> dict[tuple[int, int], float]:
    scores: dict[tuple[int, int], float] = {}
    for face, person in zip(vectors, owners.tolist(), strict=True):
        for other in np.unique(owners).tolist():
            theirs = vectors[owners == other]
            score = float((theirs @ face).max())
            if templates and len(theirs) > 1:
                score = (score + float(template(theirs)[0] @ face)) / 2
            if other != person and score >= threshold:
                pair = (min(person, other), max(person, other))
                scores[pair] = max(score, scores.get(pair, -1.0))
    return scores


@pytest.mark.parametrize(("templates", "threshold"), [(False, 0.7), (True, 0.6)])
def test_the_pairs_and_scores_are_those_of_an_exhaustive_comparison(
    templates: bool, threshold: float
) -> None:
    owners = np.repeat(np.arange(1, 101), [1, 2, 3, 4] * 25)
    vectors = unit_vectors(1, len(owners), DIMENSION)
    expected = everybody_with_everybody(vectors, owners, threshold, templates=templates)
    assert len(expected) > 20

    found = pairs.find(searcher_of(vectors, owners, templates=templates), threshold)

    assert {pair: one.score for pair, one in found.pairs.items()} == pytest.approx(expected, abs=1e-6)
    assert (found.people, found.faces) == (100, 250)


def test_a_pair_names_the_two_most_similar_faces() -> None:
    vectors = unit_vectors(2, 4, DIMENSION)
    vectors[3] = vectors[1]
    owners = np.array([1, 1, 2, 2])

    found = pairs.find(searcher_of(vectors, owners, templates=False, first_key=10), 0.9)

    [(people, pair)] = found.pairs.items()
    assert people == (1, 2)
    assert {pair.key, pair.other_key} == {11, 13}


def test_a_person_with_more_faces_than_a_search_reads_does_not_hide_the_duplicate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pairs, "WIDTHS", (4, 8))
    person, stranger = unit_vectors(3, 2, DIMENSION)
    many = person + 0.01 * unit_vectors(4, 40, DIMENSION)
    other = person + 0.1 * unit_vectors(5, 1, DIMENSION)
    vectors = np.concatenate([many, other, stranger[np.newaxis]]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owners = np.array([1] * 40 + [2, 3])

    found = pairs.find(searcher_of(vectors, owners, templates=False), 0.9)

    assert list(found.pairs) == [(1, 2)]


def test_deleted_faces_are_in_no_pair() -> None:
    vectors = np.repeat(unit_vectors(6, 2, DIMENSION), 2, axis=0)
    searcher = searcher_of(vectors, np.array([1, 2, 3, 4]), templates=False)
    searcher.remove(np.array([2]))

    found = pairs.find(searcher, 0.9)

    assert list(found.pairs) == [(3, 4)]
    assert (found.people, found.faces) == (3, 3)


def test_progress_counts_each_face_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "BATCH", 7)
    owners = np.repeat(np.arange(1, 11), 2)
    counts: list[int] = []

    pairs.find(searcher_of(unit_vectors(7, 20, DIMENSION), owners, templates=True), 0.9, counts.append)

    assert counts == [7, 7, 6]


def test_an_empty_index_has_no_pairs() -> None:
    found = pairs.find(empty_searcher(Tier.EXACT, DIMENSION), 0.5)

    assert (found.people, found.faces, found.pairs) == (0, 0, {})
