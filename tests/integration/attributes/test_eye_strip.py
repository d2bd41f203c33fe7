"""The strip with the eyes, on real faces."""

import numpy as np
import pytest

from indexer.attributes.head import FaceView
from indexer.attributes.heads.glasses import GLASSES, NONE, SUNGLASSES, decide, probabilities
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.vision import degrade
from indexer.vision.eye_strip import EYES_128, eye_strip, lens_darkness
from tests.support.covers import with_sunglasses
from tests.support.pictures import jpeg, pixels


def aligned(pipeline: Pipeline, picture: np.ndarray) -> np.ndarray:
    photograph = pipeline.detect(jpeg(np.ascontiguousarray(picture)), Stopwatch(), max_faces=1)
    return FaceView.of(photograph, photograph.faces[0]).aligned(EYES_128)


def test_the_strip_of_a_dark_picture_has_the_contrast_of_a_bright_one(
    pipeline: Pipeline, hopper: bytes, collins: bytes
) -> None:
    for picture in map(pixels, (hopper, collins)):
        bright = eye_strip(aligned(pipeline, picture))
        dark = eye_strip(aligned(pipeline, degrade.brightness(picture, 0.4)))

        assert bright.shape == (64, 128, 3)
        assert np.corrcoef(bright.ravel(), dark.ravel())[0, 1] > 0.9
        assert dark.mean() == pytest.approx(bright.mean(), abs=25)
        assert dark.std() == pytest.approx(bright.std(), rel=0.2)


def test_drawn_sunglasses_are_dark_in_every_light(pipeline: Pipeline, hopper: bytes, collins: bytes) -> None:
    for picture in map(pixels, (hopper, collins)):
        face = pipeline.detect(jpeg(picture), Stopwatch(), max_faces=1).faces[0].face
        covered = with_sunglasses(picture, face)

        for light in (1.0, 0.5):
            bare = lens_darkness(aligned(pipeline, degrade.brightness(picture, light)))
            dark = lens_darkness(aligned(pipeline, degrade.brightness(covered, light)))

            assert dark > 1.0 > 0.6 > bare


@pytest.mark.parametrize(
    ("output", "darkness", "value"),
    [(-8.0, 0.3, NONE), (6.0, 0.0, GLASSES), (6.0, 1.5, SUNGLASSES), (3.0, 0.5, None)],
)
def test_sunglasses_are_glasses_that_are_dark(output: float, darkness: float, value: str | None) -> None:
    estimate = decide(probabilities(output, darkness))

    assert estimate.value == value
    assert sum(estimate.scores.values()) == pytest.approx(1)
