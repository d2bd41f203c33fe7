"""The rates that choose the best step equal those of a plain loop."""

import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.training.data.faces import Faces
from indexer.training.validation import FPIR, Validation
from indexer.types import Vectors
from indexer.vision.align import ARCFACE_112


@pytest.fixture
def validation(faces: Faces) -> Validation:
    return Validation(faces, ARCFACE_112, most=99)


def some(seed: int, people: NDArray[np.int64]) -> Vectors:
    """As from a network that half knows people."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(people.max() + 1, 6))[people] + 1.2 * random.normal(size=(len(people), 6))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.mark.parametrize("seed", range(5))
def test_a_face_is_found_if_its_person_is_nearest_and_above_the_clean_threshold(
    validation: Validation, seed: int
) -> None:
    people = validation.people
    clean, quarter = some(seed, people), some(seed + 100, people)
    given = iter((clean, quarter))
    figures = validation.figures(lambda _: next(given))

    def nearest(probes: Vectors, place: int, *, own: bool) -> float:
        others = [
            float(probes[place] @ clean[other])
            for other in range(len(people))
            if other != place and (people[other] == people[place]) == own
        ]
        return max(others, default=-2.0)

    alarms = sorted((nearest(clean, place, own=False) for place in range(len(people))), reverse=True)
    threshold = alarms[int(FPIR * len(people))]
    mated = [place for place in range(len(people)) if nearest(clean, place, own=True) > -2]

    def fnir(probes: Vectors, above: float) -> float:
        found = [
            nearest(probes, place, own=True) > max(above, nearest(probes, place, own=False))
            for place in mated
        ]
        return 1 - sum(found) / len(mated)

    assert len(mated) == len(people) - 1, "one person has one face"
    assert figures.fnir == pytest.approx(fnir(clean, threshold))
    assert figures.fnir_quarter == pytest.approx(fnir(quarter, threshold))
    assert figures.rank1 == pytest.approx(1 - fnir(clean, -2))
    assert figures.combined == pytest.approx((figures.fnir + figures.fnir_quarter) / 2)


def test_scores_of_strangers_need_thirty_pairs_above_them(validation: Validation) -> None:
    vectors = some(7, validation.people)
    at, genuine = validation.scores(vectors)
    pairs = [(i, j) for i in range(len(vectors)) for j in range(i)]
    scores = np.array([float(vectors[i] @ vectors[j]) for i, j in pairs])
    same = np.array([validation.people[i] == validation.people[j] for i, j in pairs])

    [(rate, score)] = at
    assert rate == 0.5, "of some 270 pairs of strangers; 0.1 would rest on 27"
    assert score == pytest.approx(np.median(scores[~same]), abs=0.02)
    assert (genuine[0], genuine[-1]) == pytest.approx((scores[same].min(), scores[same].max()), abs=1e-3)
    assert genuine == sorted(genuine)
