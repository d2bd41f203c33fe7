"""Alignment: the similarity transform, and crops from which a later model can embed."""

import io
from functools import lru_cache

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Image, Points
from indexer.vision.align import ARCFACE_112, align, crop_with_margin, similarity
from tests.support.pictures import encoded, jpeg, pixels

coordinates = st.floats(-200, 200, width=32)


@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.2, 5.0),
    shift=st.tuples(coordinates, coordinates),
)
def test_the_transform_undoes_any_rotation_scale_and_shift(
    angle: float, scale: float, shift: tuple[float, float]
) -> None:
    rotation = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (ARCFACE_112.points @ rotation.T + np.array(shift)).astype(np.float32)

    transform = similarity(moved, ARCFACE_112.points)

    back = moved @ transform[:, :2].T + transform[:, 2]
    np.testing.assert_allclose(back, ARCFACE_112.points, atol=0.01)


@given(points=st.lists(st.tuples(coordinates, coordinates), min_size=5, max_size=5, unique=True))
def test_no_other_similarity_brings_the_points_closer(points: list[tuple[float, float]]) -> None:
    """Least squares: nudging any of the four parameters never lowers the sum of squares."""
    source = np.array(points, np.float32)
    transform = similarity(source, ARCFACE_112.points)

    def error(a: float, b: float, x: float, y: float) -> float:
        moved = source.astype(np.float64) @ np.array([[a, b], [-b, a]]) + [x, y]
        return float(((moved - ARCFACE_112.points) ** 2).sum())

    best = np.array([transform[0, 0], transform[1, 0], transform[0, 2], transform[1, 2]])
    for nudge in np.concatenate([np.eye(4), -np.eye(4)]) * 1e-3:
        assert error(*best) <= error(*(best + nudge)) + 1e-6


def test_coincident_points_are_shifted_without_a_division_by_zero() -> None:
    transform = similarity(np.full((5, 2), 7, np.float32), ARCFACE_112.points)

    assert np.isfinite(transform).all()


def test_an_aligned_face_is_upright_and_at_the_place_of_the_template(
    pipeline: Pipeline, hopper: bytes
) -> None:
    tilted = encoded(PIL.Image.open(io.BytesIO(hopper)).rotate(25, fillcolor="grey"), "JPEG")
    [seen] = pipeline.detect(tilted, Stopwatch()).faces

    [again] = pipeline.detect(jpeg(seen.pictures[0]), Stopwatch()).faces

    found = again.face.landmarks
    np.testing.assert_allclose(found.mean(axis=0), ARCFACE_112.points.mean(axis=0), atol=4)
    assert abs(found[0, 1] - found[1, 1]) < 2


@pytest.mark.parametrize("scale", [0.25, 0.5, 1.0, 3.0])
def test_a_stored_crop_gives_nearly_the_embedding_of_its_photograph(
    pipeline: Pipeline, hopper: bytes, scale: float
) -> None:
    """A re-index embeds stored crops."""
    portrait = PIL.Image.fromarray(pixels(hopper))
    width, height = round(portrait.width * scale), round(portrait.height * scale)
    picture = np.asarray(portrait.resize((width, height), PIL.Image.Resampling.LANCZOS))
    photograph = pipeline.detect(jpeg(picture), Stopwatch())
    [seen] = photograph.faces

    crop = crop_with_margin(photograph.pixels, seen.face.landmarks)
    stored = np.asarray(PIL.Image.open(io.BytesIO(crop.jpeg)))
    aligned = align(stored, crop.landmarks, ARCFACE_112)

    directly, from_crop = pipeline.embedder.embed(np.stack([seen.pictures[0], aligned]))
    assert directly @ from_crop > 0.99
    assert 168 <= stored.shape[0] == stored.shape[1] <= 336


def test_a_face_three_times_too_large_is_averaged() -> None:
    """Stripes that are finer than the aligned face's pixels become their mean, not moire."""
    stripes = np.zeros((900, 900, 3), np.uint8)
    stripes[:, ::2] = 255
    landmarks = ARCFACE_112.points * 6

    aligned = align(stripes, landmarks, ARCFACE_112)

    assert aligned[10:100, 10:100].std() < 10


@pytest.mark.parametrize("left", [0, 20_000, 39_000])
def test_a_face_in_a_picture_too_long_for_opencv_is_aligned_as_in_a_part_of_it(left: int) -> None:
    """OpenCV cannot warp a picture with a side of 32,767 pixels or more, such as a panorama."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (300, 1_000, 3), np.uint8)
    part = np.asarray(cv2.GaussianBlur(noise, (0, 0), 3), np.uint8)
    panorama = np.zeros((300, 40_000, 3), np.uint8)
    panorama[:, left : left + 1_000] = part
    here = (ARCFACE_112.points * 1.5 + np.array([400, 60])).astype(np.float32)
    there = here + np.array([left, 0], np.float32)

    np.testing.assert_allclose(
        align(panorama, there, ARCFACE_112).astype(int), align(part, here, ARCFACE_112), atol=2
    )
    assert crop_with_margin(panorama, there).jpeg


@lru_cache
def texture(width: int, height: int, sigma_px: float) -> Image:
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    blurred = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), sigma_px)
    return np.asarray(np.clip(128 + (blurred - 128) * 2 * sigma_px, 0, 255), np.uint8)


def aligned_from_the_whole_picture(image: Image, landmarks: Points) -> Image:
    """Averages blocks of the whole picture, then interpolates between them."""
    transform = similarity(landmarks, ARCFACE_112.points)
    block = max(1, int(1 / np.hypot(transform[0, 0], transform[1, 0])))
    height, width = (side // block for side in image.shape[:2])
    factors = np.array([image.shape[1] / width, image.shape[0] / height])
    reduced = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    shift = transform[:, 2] + transform[:, :2] @ (factors / 2 - 0.5)
    transform = np.column_stack([transform[:, :2] * factors, shift])
    return np.asarray(cv2.warpAffine(reduced, transform, (112, 112)), np.uint8)


def landmarks_at(scale: float, degrees: float, middle: tuple[float, float]) -> Points:
    turn = np.exp(1j * np.radians(degrees))
    points = ((ARCFACE_112.points - 56) @ np.array([1, 1j])) * scale * turn + complex(*middle)
    return np.stack([points.real, points.imag], axis=1).astype(np.float32)


@pytest.mark.parametrize(("width", "height"), [(1680, 1260), (1687, 1249)])
@pytest.mark.parametrize("middle", [(420, 420), (1500, 1100), (20, 700)])
@pytest.mark.parametrize("degrees", [0, 33, 180])
@pytest.mark.parametrize("scale", [0.4, 1.0, 1.9, 2.0, 2.7, 3.0, 4.2, 5.5, 7.01, 9.3])
def test_a_face_is_aligned_from_its_region_as_from_the_whole_picture(
    scale: float, degrees: float, middle: tuple[float, float], width: int, height: int
) -> None:
    """The blocks lie as in the whole picture: exactly if its sides divide by a block's, else nearly so."""
    image = texture(width, height, sigma_px=20)
    landmarks = landmarks_at(scale, degrees, middle)

    aligned = align(image, landmarks, ARCFACE_112)

    expected = aligned_from_the_whole_picture(image, landmarks)
    assert expected.std() > 10
    block = max(1, int(scale))
    if width % block == height % block == 0:
        np.testing.assert_array_equal(aligned, expected)
    else:
        difference = np.abs(aligned.astype(int) - expected)
        assert (difference <= 2).mean() > 0.999
        assert difference.max() < 10  # where the picture ends


@pytest.mark.parametrize("divisor", [2, 4])
@pytest.mark.parametrize("scale", [4.1, 5.3, 8.0])
def test_a_face_is_aligned_from_a_part_of_the_pixels_as_from_all(scale: float, divisor: int) -> None:
    """A shift by half a pixel of the photograph would change the grey values by 0.9."""
    image = texture(1600, 1200, sigma_px=20)
    reduced = cv2.resize(image, (1600 // divisor, 1200 // divisor), interpolation=cv2.INTER_AREA)
    landmarks = landmarks_at(scale, 20, (800, 600))

    aligned = align(np.asarray(reduced, np.uint8), landmarks, ARCFACE_112, divisor=divisor).astype(int)

    assert np.abs(aligned - align(image, landmarks, ARCFACE_112)).mean() < 0.65


def test_a_crop_from_half_the_pixels_has_the_size_and_landmarks_of_one_from_all() -> None:
    image = texture(1600, 1200, sigma_px=20)
    half = np.asarray(cv2.resize(image, (800, 600), interpolation=cv2.INTER_AREA), np.uint8)
    landmarks = landmarks_at(4.5, 0, (800, 600))

    crop, whole = crop_with_margin(half, landmarks, divisor=2), crop_with_margin(image, landmarks)

    np.testing.assert_allclose(crop.landmarks, whole.landmarks, atol=0.01)
    np.testing.assert_allclose(pixels(crop.jpeg).astype(int), pixels(whole.jpeg), atol=6)


def test_a_face_outside_of_the_picture_is_black() -> None:
    aligned = align(np.full((300, 400, 3), 200, np.uint8), landmarks_at(2.5, 0, (4000, -3000)), ARCFACE_112)

    assert not aligned.any()
