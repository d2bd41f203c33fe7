"""Faces that are turned, dark, noisy, tiny or covered are found by a second look, and nothing else is."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import skimage.data

from indexer.pipeline.pipeline import Pipeline
from indexer.types import Face, Image
from indexer.vision import degrade
from indexer.vision.detection.detect import Detector
from indexer.vision.detection.second_look import MAX_LOOKS, confirmed
from indexer.vision.detection.yunet import YuNet
from indexer.weights.locate import locate
from indexer.weights.published import YUNET
from tests.support.pictures import pixels

MIN_CONFIDENCE = 0.7


@pytest.fixture(scope="module")
def network() -> YuNet:
    return YuNet(locate(YUNET), min_confidence=MIN_CONFIDENCE)


@pytest.fixture
def detector(pipeline: Pipeline) -> Detector:
    return pipeline.detector


@pytest.fixture(params=["hopper", "collins"])
def portrait(request: pytest.FixtureRequest) -> Image:
    """The upper part, 256 pixels wide."""
    picture = pixels(request.getfixturevalue(request.param))
    side = min(picture.shape[:2])
    return np.asarray(cv2.resize(picture[:side, :side], (256, 256), interpolation=cv2.INTER_AREA), np.uint8)


def assert_there(face: Face, landmarks: np.ndarray) -> None:
    eye_distance = np.hypot(*(landmarks[1] - landmarks[0]))
    assert np.hypot(*(face.landmarks - landmarks).T).mean() < 0.25 * eye_distance
    middle, box = landmarks.mean(axis=0), face.box
    assert box.x < middle[0] < box.x + box.width
    assert box.y < middle[1] < box.y + box.height
    assert 1.2 * eye_distance < box.shorter_side_px < 4 * eye_distance


@pytest.mark.parametrize("degrees", [30, 45, 60, 135])
def test_a_face_that_is_turned_is_found(detector: Detector, portrait: Image, degrees: int) -> None:
    [upright] = detector.detect(portrait)
    margin = 60
    turned = degrade.rotate(np.pad(portrait, ((margin,) * 2,) * 2 + ((0, 0),), mode="edge"), degrees)

    [face] = detector.detect(turned)

    middle = (256 - 1) / 2 + margin
    rotation = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    assert_there(face, (upright.landmarks + margin) @ rotation[:, :2].T + rotation[:, 2])
    assert face.confidence >= MIN_CONFIDENCE


@pytest.mark.parametrize("portrait", ["collins"], indirect=True)
def test_a_face_in_the_dark_is_found(detector: Detector, network: YuNet, portrait: Image) -> None:
    [upright] = detector.detect(portrait)
    dark = degrade.noise(degrade.brightness(portrait, 0.05), 3.0, np.random.default_rng(0))
    assert network.detect(dark) == []

    [face] = detector.detect(dark)

    assert_there(face, upright.landmarks)


def test_a_face_in_noise_is_found(detector: Detector, network: YuNet, portrait: Image) -> None:
    [upright] = detector.detect(portrait)
    noisy = degrade.noise(portrait, 60.0, np.random.default_rng(0))
    assert network.detect(noisy) == []

    [face] = detector.detect(noisy)

    assert_there(face, upright.landmarks)


def test_a_tiny_face_in_a_large_picture_is_found(detector: Detector, network: YuNet, portrait: Image) -> None:
    [upright] = detector.detect(portrait)
    scale = 11 / max(upright.box.width, upright.box.height)
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    coffee = cv2.resize(skimage.data.coffee(), (480, 320), interpolation=cv2.INTER_AREA)
    coffee[100 : 100 + small.shape[0], 200 : 200 + small.shape[1]] = small
    assert network.detect(coffee) == []

    [face] = detector.detect(coffee)

    assert_there(face, upright.landmarks * scale + [200, 100])


def test_a_masked_face_is_found(detector: Detector, portrait: Image) -> None:
    [upright] = detector.detect(portrait)

    [face] = detector.detect(degrade.occlude(portrait, upright.landmarks, "mouth"))

    assert_there(face, upright.landmarks)


def test_the_landmarks_of_a_doubtful_face_are_corrected(network: YuNet, portrait: Image) -> None:
    [upright] = network.detect(portrait)
    moved = upright.landmarks + np.random.default_rng(0).normal(0, 4, (5, 2)).astype(np.float32)
    doubtful = replace(upright, landmarks=moved, confidence=0.3)

    [face] = confirmed(network, portrait, [], [doubtful])

    assert_there(face, upright.landmarks)
    assert 0.78 <= face.confidence <= (0.3 + 4 * 1.0) / 5


def test_a_face_that_was_found_several_times_is_reported_once(network: YuNet, portrait: Image) -> None:
    [face] = network.detect(portrait)
    times = [replace(face.scaled(scale), confidence=0.5) for scale in (0.97, 1.0, 1.03)]

    assert len(confirmed(network, portrait, [], times)) == 1


def test_in_a_crowd_every_face_that_was_found_is_kept(network: YuNet, portrait: Image) -> None:
    [face] = network.detect(portrait)
    columns, rows = 5, MAX_LOOKS // 5 + 2
    crowd = np.tile(portrait, (rows, columns, 1))
    faces = [
        replace(
            face,
            confidence=0.8,
            box=replace(face.box, x=face.box.x + 256 * column, y=face.box.y + 256 * row),
            landmarks=face.landmarks + np.array([256 * column, 256 * row], np.float32),
        )
        for column in range(columns)
        for row in range(rows)
    ]

    assert len(confirmed(network, crowd, faces)) == columns * rows > MAX_LOOKS


def test_a_doubtful_face_where_there_is_none_is_dropped(network: YuNet, portrait: Image) -> None:
    [face] = network.detect(portrait)
    doubtful = replace(face, confidence=0.85)

    assert confirmed(network, np.ascontiguousarray(skimage.data.coffee()[:256, :256]), [doubtful], []) == []
