"""Which photograph of several faces has a clear subject."""

import numpy as np
import pytest

from indexer.types import Box, Face
from indexer.vision.subject import MAX_DISTANCE, MIN_AREA_RATIO, is_clear_subject

WIDTH, HEIGHT = 800, 600


def face(side: float, x: float = WIDTH / 2, y: float = HEIGHT / 2) -> Face:
    """`x` and `y`: of the middle."""
    box = Box(x=x - side / 2, y=y - side / 2, width=side, height=side)
    return Face(box=box, landmarks=np.zeros((5, 2), np.float32), confidence=0.9)


def test_the_largest_face_by_far_in_the_middle_is_the_subject() -> None:
    bystander = face(99 / MIN_AREA_RATIO**0.5, 700, 100)

    assert is_clear_subject([face(100), bystander, bystander], WIDTH, HEIGHT)


def test_of_two_faces_of_similar_size_none_is_the_subject() -> None:
    assert not is_clear_subject([face(100), face(101 / MIN_AREA_RATIO**0.5, 700, 100)], WIDTH, HEIGHT)


@pytest.mark.parametrize(("along", "expected"), [(0.99, True), (1.01, False)])
def test_the_subject_is_near_the_middle(along: float, expected: bool) -> None:
    x = WIDTH / 2 + along * MAX_DISTANCE * np.hypot(WIDTH, HEIGHT)

    assert is_clear_subject([face(200, x), face(20)], WIDTH, HEIGHT) is expected


def test_a_picture_without_faces_has_no_subject() -> None:
    assert not is_clear_subject([], WIDTH, HEIGHT)
