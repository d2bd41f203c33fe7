"""A wrong photograph among those of a person is named, and the right ones are not."""

import numpy as np
import pytest

from indexer.types import PersonScore, Vectors
from indexer.usecases.enrolment.photographs import MISSED, guidance
from indexer.usecases.odd_faces import find
from tests.support.vectors import unit_vectors

LIMIT = 0.3


def person(seed: int, faces: int) -> Vectors:
    """Faces with cosines of about 0.65, as two photographs of a person have."""
    centre = unit_vectors(seed, 1, 128)
    vectors = centre + 0.73 * unit_vectors(seed + 1_000, faces, 128)
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


@pytest.mark.parametrize("faces", [2, 3, 5, 10])
@pytest.mark.parametrize("place", [0, 1, -1])
def test_one_wrong_face_is_named_wherever_it_is(faces: int, place: int) -> None:
    for seed in range(20):
        vectors = person(seed, faces)
        assert find(vectors, LIMIT) == []
        vectors[place] = unit_vectors(seed + 5_000, 1, 128)[0]
        [(named, score)] = find(vectors, LIMIT)
        assert score < LIMIT
        assert named == (1 if faces == 2 else place % faces), "of two, the newer"


def test_several_wrong_faces_are_named_and_the_right_ones_are_not() -> None:
    for seed in range(20):
        vectors = person(seed, 8)
        vectors[[2, 5]] = unit_vectors(seed + 6_000, 2, 128)
        assert {place for place, _ in find(vectors, LIMIT)} == {2, 5}


def test_one_face_resembles_itself() -> None:
    assert find(person(1, 1), LIMIT) == []


def test_guidance_has_the_measured_figures_and_ends_where_nothing_was_measured() -> None:
    none, one, five, nine = (guidance(count, PersonScore.FUSED) for count in (0, 1, 5, 9))

    assert (none.missed, none.missed_with_one_more) == (None, MISSED[PersonScore.FUSED][0])
    assert (one.missed, one.missed_with_one_more) == MISSED[PersonScore.FUSED][:2]
    assert one.advice == (
        "With one photograph, 9.4% of searches missed the person; with 2, 3.0%. (Measured on LFW.)"
    )
    assert five.missed_with_one_more is nine.missed_with_one_more is None
    assert nine.missed == five.missed
    assert "not measured" in nine.advice


def test_each_further_photograph_helps_and_the_fused_score_helps_more() -> None:
    fused, nearest = MISSED[PersonScore.FUSED], MISSED[PersonScore.NEAREST]
    assert list(fused) == sorted(fused, reverse=True)
    assert list(nearest) == sorted(nearest, reverse=True)
    assert all(a <= b for a, b in zip(fused, nearest, strict=True))
