"""The quality network's measure of a face, and what it means."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from indexer.pipeline.pipeline import Pipeline
from indexer.types import Image
from indexer.vision import degrade
from indexer.vision.align import ARCFACE_112, align
from indexer.vision.detection.detect import central
from indexer.vision.miss_rate import MISS_RATES, expected_miss_rate
from indexer.vision.recognisability import BATCH, RecognisabilityNetwork
from tests.support.pictures import pixels
from tests.support.weights import QUALITY, needs_lightqnet

pytestmark = needs_lightqnet


@pytest.fixture(scope="module")
def network() -> RecognisabilityNetwork:
    return RecognisabilityNetwork(QUALITY / "lightqnet-dm100.pb", threads=2)


@pytest.fixture
def portraits(pipeline: Pipeline, hopper: bytes, collins: bytes) -> list[Image]:
    faces = []
    for picture in (pixels(hopper), pixels(collins)):
        face = central(pipeline.detector.detect(picture), picture)
        assert face is not None
        faces.append(align(picture, face.landmarks, ARCFACE_112))
    return faces


def test_good_portraits_are_recognised_nearly_always(
    network: RecognisabilityNetwork, portraits: list[Image]
) -> None:
    for value in network.measure(portraits):
        assert value > 0.58
        assert expected_miss_rate(value) < 0.1


@pytest.mark.parametrize(
    "worse",
    [
        lambda face, amount: degrade.blur(face, 2.0 * amount),
        lambda face, amount: degrade.low_resolution(face, 0.3 / amount),
        lambda face, amount: degrade.noise(face, 30.0 * amount, np.random.default_rng(0)),
        lambda face, amount: degrade.brightness(face, 0.2 / amount),
    ],
    ids=["blurred", "few pixels", "noisy", "dark"],
)
def test_the_worse_a_picture_the_more_misses_are_expected(
    network: RecognisabilityNetwork, portraits: list[Image], worse: object
) -> None:
    assert callable(worse)
    for face in portraits:
        rates = [
            expected_miss_rate(value) for value in network.measure([face, worse(face, 1), worse(face, 3)])
        ]

        assert rates == sorted(rates)
        assert rates[2] > 3 * rates[0]


def test_a_face_has_the_same_value_alone_and_among_others(
    network: RecognisabilityNetwork, portraits: list[Image]
) -> None:
    many = [degrade.blur(portraits[n % 2], 0.1 + n / 8) for n in range(BATCH + 5)]

    together = network.measure(many)

    assert together == pytest.approx([network.measure([face])[0] for face in many], abs=1e-5)
    assert len(set(together)) == len(many)


def test_no_faces_have_no_values(network: RecognisabilityNetwork) -> None:
    assert network.measure([]) == []


def test_threads_that_share_the_network_get_their_own_values(
    network: RecognisabilityNetwork, portraits: list[Image]
) -> None:
    pictures = [[degrade.blur(portraits[n % 2], 0.1 + n / 10)] * (n % 3 + 1) for n in range(40)]
    expected = [network.measure(faces) for faces in pictures]

    with ThreadPoolExecutor(4) as pool:
        measured = list(pool.map(network.measure, pictures))

    for one, other in zip(measured, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_the_more_recognisable_a_face_the_fewer_misses_are_expected() -> None:
    values, rates = zip(*MISS_RATES, strict=True)

    assert list(values) == sorted(set(values))
    assert list(rates) == sorted(rates, reverse=True)
    assert all(0 <= rate <= 1 for rate in rates)
    assert [expected_miss_rate(value) for value in values] == pytest.approx(rates)
    assert expected_miss_rate(-1.0) == rates[0], "below the table"
    assert expected_miss_rate(2.0) == rates[-1], "above it"
