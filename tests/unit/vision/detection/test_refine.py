"""Landmarks are refined on small upright crops, wherever the face lies and whatever the detector's error."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import pytest

from indexer.pipeline.pipeline import Pipeline
from indexer.types import Image, Points
from indexer.vision import degrade
from indexer.vision.align import crop_with_margin, decode_crop, similarity
from indexer.vision.detection.refine import LandmarkRefiner
from tests.support.pictures import pixels


@pytest.fixture(params=["hopper", "collins"])
def portrait(request: pytest.FixtureRequest) -> Image:
    return pixels(request.getfixturevalue(request.param))


@pytest.fixture
def landmarks(portrait: Image, pipeline: Pipeline) -> Points:
    """As the detector finds them."""
    return pipeline.detector.detect(portrait)[0].landmarks


def distance(points: Points, others: Points) -> float:
    """The largest of the five, as a share of the distance of the eyes."""
    return float(np.linalg.norm(points - others, axis=1).max() / np.linalg.norm(others[1] - others[0]))


def shaken(landmarks: Points, rng: np.random.Generator) -> Points:
    """Each point by a tenth of the distance of the eyes, all turned by 6 degrees at most."""
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    angle = np.radians(rng.uniform(-6, 6))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = landmarks.mean(axis=0)
    moved = (landmarks - middle) @ turn.T + middle + rng.normal(0, 0.1 * eyes, (5, 2))
    return np.asarray(moved, np.float32)


def test_shaken_landmarks_come_back(refiner: LandmarkRefiner, portrait: Image, landmarks: Points) -> None:
    refined = refiner.refine(portrait, landmarks)
    rng = np.random.default_rng(1)
    starts = [shaken(landmarks, rng) for _ in range(8)]

    errors = [distance(refiner.refine(portrait, start), refined) for start in starts]

    assert max(errors) < 0.1
    assert np.median(errors) < 0.06
    assert np.median([distance(start, landmarks) for start in starts]) > 0.15


@pytest.mark.parametrize("degrees", [20, 45, 90, 180])
def test_a_rotated_face_has_its_landmarks_at_the_rotated_places(
    refiner: LandmarkRefiner, portrait: Image, landmarks: Points, degrees: int
) -> None:
    upright = refiner.refine(portrait, landmarks)
    height, width = portrait.shape[:2]
    middle = np.array([width - 1, height - 1]) / 2
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

    def rotated(points: Points) -> Points:
        return np.asarray((points - middle) @ turn.T + middle, np.float32)

    refined = refiner.refine(degrade.rotate(portrait, degrees), rotated(landmarks))

    assert distance(refined, rotated(upright)) < 0.06


@pytest.mark.parametrize("scale", [0.25, 1.0, 5.0])
def test_a_face_has_the_same_landmarks_at_any_size(
    refiner: LandmarkRefiner, portrait: Image, landmarks: Points, scale: float
) -> None:
    size = (round(portrait.shape[1] * scale), round(portrait.shape[0] * scale))
    resized = np.asarray(PIL.Image.fromarray(portrait).resize(size))

    refined = refiner.refine(resized, (landmarks * scale).astype(np.float32))

    assert distance(refined / np.float32(scale), refiner.refine(portrait, landmarks)) < 0.1


def test_a_reduced_picture_gives_the_landmarks_of_the_photograph(
    refiner: LandmarkRefiner, portrait: Image, landmarks: Points
) -> None:
    reduced = np.asarray(PIL.Image.fromarray(portrait).reduce(2))

    refined = refiner.refine(reduced, landmarks, divisor=2)

    assert distance(refined, refiner.refine(portrait, landmarks)) < 0.06


def test_a_face_at_the_border_of_the_picture_is_refined_too(
    refiner: LandmarkRefiner, portrait: Image, landmarks: Points
) -> None:
    """The picture ends shortly beside the eye and below the mouth."""
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    left = int(landmarks[:, 0].min() - 0.3 * eyes)
    bottom = int(landmarks[:, 1].max() + 0.3 * eyes)
    cut = np.ascontiguousarray(portrait[:bottom, left:])
    start = landmarks - np.array([left, 0], np.float32)

    refined = refiner.refine(cut, start)

    assert not np.array_equal(refined, start)
    assert distance(refined + np.array([left, 0]), refiner.refine(portrait, landmarks)) < 0.15


def test_a_stored_crop_gives_the_landmarks_of_the_photograph(
    refiner: LandmarkRefiner, portrait: Image, landmarks: Points
) -> None:
    crop = crop_with_margin(portrait, landmarks)
    decoded = decode_crop(crop.jpeg)
    assert decoded is not None
    to_crop = similarity(landmarks, crop.landmarks)
    expected = refiner.refine(portrait, landmarks) @ to_crop[:, :2].T + to_crop[:, 2]

    refined = refiner.refine(decoded, crop.landmarks)

    assert distance(refined, expected.astype(np.float32)) < 0.02


def test_where_no_face_is_found_again_the_landmarks_stay(
    refiner: LandmarkRefiner, nobody: bytes, landmarks: Points
) -> None:
    np.testing.assert_array_equal(refiner.refine(pixels(nobody), landmarks), landmarks)


def test_landmarks_that_lie_on_one_point_or_beside_the_picture_raise_nothing(
    refiner: LandmarkRefiner, portrait: Image, landmarks: Points
) -> None:
    for odd in (np.zeros((5, 2), np.float32), landmarks + np.float32(1e5)):
        np.testing.assert_array_equal(refiner.refine(portrait, odd), odd)


def test_a_neighbours_face_does_not_attract_the_landmarks(
    refiner: LandmarkRefiner, portrait: Image, landmarks: Points
) -> None:
    """A larger face, with more confidence, one and a half times the distance of the eyes beside it."""
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    crowd = np.concatenate([portrait, portrait], axis=1)
    step = np.array([portrait.shape[1], 0], np.float32)
    expected = refiner.refine(portrait, landmarks)

    both = [refiner.refine(crowd, landmarks), refiner.refine(crowd, landmarks + step) - step]

    assert portrait.shape[1] > 2 * eyes
    assert max(distance(refined, expected) for refined in both) < 0.06


def test_threads_that_share_a_refiner_get_the_answers_of_one(
    refiner: LandmarkRefiner, portrait: Image, landmarks: Points
) -> None:
    rng = np.random.default_rng(2)
    starts = [shaken(landmarks, rng) for _ in range(12)]
    expected = [refiner.refine(portrait, start) for start in starts]

    with ThreadPoolExecutor(4) as threads:
        refined = list(threads.map(lambda start: refiner.refine(portrait, start), starts))

    for one, other in zip(refined, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
