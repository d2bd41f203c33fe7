"""Each degradation has its documented effect, and leaves the original unchanged."""

from collections.abc import Callable

import numpy as np
import pytest

from indexer.types import Image
from indexer.vision import degrade

LANDMARKS = np.array([[38, 52], [74, 52], [56, 72], [42, 92], [71, 92]], np.float32)
EVERY: dict[str, Callable[[Image], Image]] = {
    "low_resolution": lambda image: degrade.low_resolution(image, 0.25),
    "noise": lambda image: degrade.noise(image, 20, np.random.default_rng(0)),
    "blur": lambda image: degrade.blur(image, 2),
    "motion_blur": lambda image: degrade.motion_blur(image, 7, 30),
    "jpeg": lambda image: degrade.jpeg(image, 10),
    "brightness": lambda image: degrade.brightness(image, 0.4),
    "contrast": lambda image: degrade.contrast(image, 0.4),
    "eyes": lambda image: degrade.occlude(image, LANDMARKS, "eyes"),
    "mouth": lambda image: degrade.occlude(image, LANDMARKS, "mouth"),
    "rotate": lambda image: degrade.rotate(image, 20),
}


@pytest.fixture
def picture() -> Image:
    y, x = np.mgrid[:112, :112]
    stripes = np.stack([128 + 90 * np.sin(x / 3), 128 + 90 * np.cos(y / 4), 2.0 * x], axis=2)
    return stripes.astype(np.uint8)


@pytest.mark.parametrize("name", EVERY)
def test_shape_and_type_stay_the_picture_changes_and_the_original_does_not(name: str, picture: Image) -> None:
    before = picture.copy()

    worse = EVERY[name](picture)

    assert worse.shape == picture.shape
    assert worse.dtype == picture.dtype
    assert (worse != before).any()
    assert (picture == before).all()


def test_noise_has_the_requested_deviation() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    noisy = degrade.noise(grey, 12, np.random.default_rng(1)).astype(np.float64)
    assert noisy.std() == pytest.approx(12, rel=0.03)
    assert noisy.mean() == pytest.approx(128, abs=0.3)


def test_a_quarter_of_the_resolution_loses_finer_details() -> None:
    fine = np.zeros((64, 64, 3), np.uint8)
    fine[:, ::2] = 255
    coarse = np.zeros((64, 64, 3), np.uint8)
    coarse[:, 32:] = 255
    assert np.ptp(degrade.low_resolution(fine, 0.25)) <= 1, "stripes of one pixel are one grey"
    assert np.abs(degrade.low_resolution(coarse, 0.25).astype(int) - coarse).mean() < 10


def test_brightness_and_contrast_are_about_black_and_about_the_mean() -> None:
    half = np.zeros((10, 10, 3), np.uint8)
    half[5:] = 200
    assert set(np.unique(degrade.brightness(half, 0.5))) == {0, 100}
    assert set(np.unique(degrade.contrast(half, 0.5))) == {50, 150}
    assert set(np.unique(degrade.brightness(half, 4.0))) == {0, 255}, "nothing wraps around"


@pytest.mark.parametrize(
    ("part", "hidden", "shown"), [("eyes", [0, 1], [3, 4]), ("mouth", [2, 3, 4], [0, 1])]
)
def test_an_occlusion_hides_its_landmarks_and_leaves_the_others(
    part: str, hidden: list[int], shown: list[int]
) -> None:
    white = np.full((112, 112, 3), 255, np.uint8)
    covered = degrade.occlude(white, LANDMARKS, part)  # type: ignore[arg-type]
    x, y = LANDMARKS.astype(int).T
    assert (covered[y[hidden], x[hidden]] == degrade.GREY).all()
    assert (covered[y[shown], x[shown]] == 255).all()


def test_a_rotation_and_its_opposite_bring_the_middle_back(picture: Image) -> None:
    smooth = degrade.blur(picture, 3)
    back = degrade.rotate(degrade.rotate(smooth, 15), -15)
    middle = np.s_[36:76, 36:76]
    assert np.abs(back[middle].astype(int) - smooth[middle]).mean() < 4
