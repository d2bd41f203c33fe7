"""The network's answers about real faces, and when it gives none."""

from collections.abc import Callable

import numpy as np
import PIL.Image
import pytest

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.heads.expression import MIN_CONFIDENCE, decide
from indexer.attributes.reader import AttributeReader
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute, Image
from indexer.vision import degrade
from indexer.weights.store import WeightStore
from tests.support.pictures import encoded, pixels, shared
from tests.support.weights import attributes_mirror, needs_attributes

pytestmark = needs_attributes


Estimating = Callable[[bytes], Estimate]


def small(image: Image, factor: int) -> Image:
    return np.asarray(PIL.Image.fromarray(image).reduce(factor))


@pytest.fixture(scope="module")
def estimated(pipeline: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Estimating:
    mirror = attributes_mirror(tmp_path_factory.mktemp("mirror"))
    store = WeightStore.of(Settings(model_mirror=str(mirror)))
    reader = AttributeReader([Attribute.EXPRESSION], store, threads=1)

    def estimate(data: bytes) -> Estimate:
        photograph = pipeline.detect(data, Stopwatch(), max_faces=1)
        [estimates] = reader.read(photograph, [Attribute.EXPRESSION], Stopwatch())
        return estimates["expression"]

    return estimate


@pytest.mark.parametrize(
    ("folder", "value"), [("happy", "happiness"), ("surprise", "surprise"), ("disgust", "disgust")]
)
def test_most_faces_of_48_pixels_have_their_expression(
    estimated: Estimating, folder: str, value: str
) -> None:
    files = sorted(shared(f"data/expressions/{folder}").iterdir())[::15]

    values = [estimated(file.read_bytes()).value for file in files]

    assert values.count(value) > 0.7 * len(files)


def test_a_smile_is_happiness_and_its_scores_add_up_to_one(estimated: Estimating, collins: bytes) -> None:
    estimate = estimated(collins)

    assert estimate.value == "happiness"
    assert estimate.confidence == max(estimate.scores.values()) >= MIN_CONFIDENCE
    assert sum(estimate.scores.values()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda image: small(image, 8), CannotTell.TOO_SMALL),
        (lambda image: degrade.blur(image, 4), CannotTell.TOO_BLURRED),
        (lambda image: degrade.brightness(image, 0.06), CannotTell.TOO_DARK),
    ],
)
def test_a_face_that_shows_too_little_has_no_value(
    estimated: Estimating, collins: bytes, change: Callable[[Image], Image], why: CannotTell
) -> None:
    estimate = estimated(encoded(PIL.Image.fromarray(change(pixels(collins))), "PNG"))

    assert (estimate.value, estimate.confidence, estimate.cannot_tell) == (None, None, why)


def test_two_expressions_that_are_about_as_likely_are_undecided() -> None:
    probabilities = np.array([0.37, 0.36, 0.07, 0.05, 0.05, 0.05, 0.05], np.float32)

    estimate = decide(probabilities)

    assert estimate.cannot_tell is CannotTell.UNDECIDED
    assert estimate.scores["anger"] == pytest.approx(0.37)


def test_a_picture_has_the_same_estimate_twice(estimated: Estimating, collins: bytes) -> None:
    assert estimated(collins) == estimated(collins)
