"""Quality: each component measures what its name says."""

import cv2
import numpy as np
import PIL.Image
import pytest

from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Quality
from indexer.vision import quality
from tests.support.pictures import jpeg, pixels


def quality_of(pipeline: Pipeline, picture: np.ndarray) -> Quality:
    return pipeline.detect(jpeg(np.ascontiguousarray(picture), quality=95), Stopwatch()).faces[0].quality


def test_a_good_portrait_is_good_in_everything(pipeline: Pipeline, hopper: bytes) -> None:
    measured = quality_of(pipeline, pixels(hopper))

    assert min(measured.components().values()) == measured.score > 80


def test_more_blur_gives_less_sharpness(pipeline: Pipeline, hopper: bytes) -> None:
    picture = pixels(hopper)
    measured = [
        quality_of(pipeline, np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma))).sharpness_ratio
        for sigma in (0.5, 2, 4, 8)
    ]

    assert measured == sorted(measured, reverse=True)
    assert measured[0] > 10 * measured[-1]


def test_an_unrecognisable_face_has_no_sharpness(pipeline: Pipeline, hopper: bytes) -> None:
    """Neither the border of the region nor rounding counts as detail; enrolment rejects the face."""
    blurred = quality_of(pipeline, np.asarray(cv2.GaussianBlur(pixels(hopper), (0, 0), 10)))

    assert blurred.sharpness_ratio < Settings().min_sharpness
    assert blurred.sharpness < 20


def test_a_face_at_the_pictures_edge_is_as_sharp_and_as_bright_as_in_the_middle(
    pipeline: Pipeline, hopper: bytes
) -> None:
    """What the alignment fills in around the picture is black: it is no detail, and no darkness."""
    picture = pixels(hopper)
    box = pipeline.detect(hopper, Stopwatch()).faces[0].face.box
    top, left = int(box.y + 0.12 * box.height), int(box.x + 0.1 * box.width)
    bottom, right = int(box.y + 0.95 * box.height), int(box.x + 0.9 * box.width)
    for whole in (picture, np.asarray(cv2.GaussianBlur(picture, (0, 0), 5)), picture // 8):
        middle = quality_of(pipeline, whole)
        edge = quality_of(pipeline, whole[top:bottom, left:right])

        assert edge.sharpness_ratio == pytest.approx(middle.sharpness_ratio, rel=0.6)
        assert edge.exposure == pytest.approx(middle.exposure, abs=15)


def test_sharpness_is_measured_within_the_region_alone() -> None:
    grey = np.full((112, 112), 100, np.float32)
    grey[:, 56:] = 140  # an edge, and noise outside of the region
    grey[:20] = np.random.default_rng(0).uniform(0, 255, (20, 112))

    assert quality.sharpness(grey, (slice(24, 104), slice(0, 40))) == 0
    assert quality.sharpness(grey, (slice(24, 104), slice(40, 80))) > 0


def test_sharpness_does_not_depend_on_contrast(pipeline: Pipeline, hopper: bytes) -> None:
    picture = pixels(hopper)
    flat = (picture * 0.5 + 60).astype(np.uint8)

    assert quality_of(pipeline, flat).sharpness_ratio == pytest.approx(
        quality_of(pipeline, picture).sharpness_ratio, rel=0.15
    )


def test_a_small_face_has_a_low_size_score_and_its_size_in_pixels(pipeline: Pipeline, hopper: bytes) -> None:
    portrait = PIL.Image.fromarray(pixels(hopper))
    small = np.asarray(portrait.resize((portrait.width // 6, portrait.height // 6)))

    measured = quality_of(pipeline, small)

    assert measured.size < 60
    assert measured.face_px == pytest.approx(170 / 6, rel=0.2)


def test_dark_and_bright_faces_have_a_low_exposure_score(pipeline: Pipeline, hopper: bytes) -> None:
    picture = pixels(hopper).astype(np.float32)

    assert quality_of(pipeline, (picture * 0.15).astype(np.uint8)).exposure < 50
    assert quality_of(pipeline, (255 - (255 - picture) * 0.15).astype(np.uint8)).exposure < 50
