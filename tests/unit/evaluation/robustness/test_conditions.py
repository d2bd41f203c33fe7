"""A level means the same for every face, however large it is in its photograph."""

import numpy as np
import pytest

from indexer.evaluation.robustness.conditions import SERIES, Level, face_side_px
from indexer.types import Box, Face, Image
from indexer.vision import degrade
from indexer.vision.align import ARCFACE_112


def face(scale: float) -> Face:
    """Lies as the template wants it, `scale` times as large."""
    side = ARCFACE_112.side_px * scale
    return Face(
        box=Box(x=0, y=0, width=side, height=side),
        landmarks=(ARCFACE_112.points * scale).astype(np.float32),
        confidence=0.9,
    )


def level(series: str, label: str) -> Level:
    [found] = [level for one in SERIES if one.name == series for level in one.levels if level.label == label]
    return found


@pytest.fixture
def picture() -> Image:
    return np.random.default_rng(0).integers(0, 256, (240, 240, 3), np.uint8)


def applied(one: Level, picture: Image, scale: float) -> Image:
    return one.apply(picture, face(scale), np.random.default_rng(0))


@pytest.mark.parametrize("scale", [0.5, 1, 2])
def test_the_side_of_a_face_is_that_of_the_template_over_it(scale: float) -> None:
    assert face_side_px(face(scale)) == pytest.approx(112 * scale)


def test_a_quarter_is_a_quarter_of_the_template_at_any_size_of_the_face(picture: Image) -> None:
    quarter = level("resolution", "28 px, a quarter")

    assert np.array_equal(applied(quarter, picture, 1), degrade.low_resolution(picture, 0.25))
    assert np.array_equal(applied(quarter, picture, 2), degrade.low_resolution(picture, 0.125))


def test_a_smaller_face_is_not_changed_by_low_resolution(picture: Image) -> None:
    assert np.array_equal(applied(level("resolution", "56 px"), picture, 0.4), picture)


def test_a_larger_face_is_blurred_further(picture: Image) -> None:
    assert np.array_equal(applied(level("blur", "2 px"), picture, 1.5), degrade.blur(picture, 3))


def test_every_level_keeps_the_shape_and_the_original(picture: Image) -> None:
    before = picture.copy()
    for series in SERIES:
        for one in series.levels:
            worse = applied(one, picture, 1.5)
            assert (worse.shape, worse.dtype) == (picture.shape, picture.dtype), one.label
            assert not np.array_equal(worse, picture), one.label
    assert np.array_equal(picture, before)


def test_the_clean_image_lies_between_darker_and_brighter_levels() -> None:
    [brightness] = [series for series in SERIES if series.name == "brightness"]
    darker = [level.value for level in brightness.levels[: brightness.clean_before]]
    brighter = [level.value for level in brightness.levels[brightness.clean_before :]]

    assert max(darker) < 1 < min(brighter)
