"""A face with what is around it: the whole rectangle, whatever of it the picture has."""

import numpy as np
import pytest

from indexer.types import Box, Image
from indexer.vision.surroundings import is_grey, share_inside, square_around, with_surroundings


@pytest.fixture
def ramp() -> Image:
    """Red grows to the right and green downwards, by one a pixel."""
    across, down = np.meshgrid(np.arange(200), np.arange(160))
    return np.stack([across, down, np.zeros_like(across)], axis=2).astype(np.uint8)


def corners(part: Image) -> tuple[list[int], list[int]]:
    """Red and green of the first and of the last pixel."""
    return part[0, 0, :2].tolist(), part[-1, -1, :2].tolist()


def test_the_rectangle_is_scaled_about_the_middle_of_the_face(ramp: Image) -> None:
    part = with_surroundings(ramp, Box(x=80, y=60, width=20, height=20), 2.0, 40)

    assert corners(part) == ([70, 50], [109, 89])


def test_a_rectangle_beyond_the_edge_is_moved_into_the_picture(ramp: Image) -> None:
    part = with_surroundings(ramp, Box(x=0, y=130, width=20, height=20), 3.0, 60)

    assert corners(part) == ([0, 100], [59, 159])


def test_what_a_picture_lacks_on_both_sides_is_mirrored(ramp: Image) -> None:
    part = with_surroundings(ramp, Box(x=50, y=40, width=100, height=80), 4.0, 80)

    assert part.shape == (80, 80, 3)
    assert np.array_equal(part[:, 20:40], part[:, :20][:, ::-1])
    assert np.array_equal(part[20:40], part[:20][::-1])


def test_a_face_far_beyond_the_edge_still_gives_a_picture(ramp: Image) -> None:
    far = Box(x=-300, y=500, width=30, height=30)

    assert with_surroundings(ramp, far, 2.7, 80).shape == (80, 80, 3)
    assert square_around(ramp, far, 1.5, 128).shape == (128, 128, 3)


def test_a_square_is_as_wide_as_the_scaled_longer_side(ramp: Image) -> None:
    part = square_around(ramp, Box(x=80, y=60, width=10, height=40), 1.5, 60)

    assert corners(part) == ([55, 50], [114, 109])


def test_a_square_beyond_the_edge_is_a_blurred_mirror_image_there(ramp: Image) -> None:
    part = square_around(ramp, Box(x=0, y=60, width=40, height=40), 1.5, 60)

    assert part[30, 10:, 0].tolist() == list(range(50))
    assert part[30, :10, 0].tolist() == pytest.approx(list(range(9, -1, -1)), abs=2)


def test_a_picture_without_colours_is_grey_and_skin_is_not() -> None:
    grey = np.full((50, 50, 3), 120, np.uint8)
    skin = np.full((50, 50, 3), (200, 150, 120), np.uint8)
    face = Box(x=10, y=10, width=30, height=30)

    assert is_grey(grey, face)
    assert not is_grey(skin, face)


def test_a_face_that_is_half_outside_has_half_of_its_box_inside() -> None:
    assert share_inside(Box(x=-10, y=20, width=20, height=20), 100, 100) == pytest.approx(0.5)
    assert share_inside(Box(x=10, y=20, width=20, height=20), 100, 100) == pytest.approx(1.0)
    assert share_inside(Box(x=200, y=20, width=20, height=20), 100, 100) == pytest.approx(0.0)
