"""Detection: where faces are, at any size and at the pictures' edges."""

import numpy as np
import PIL.Image
import pytest

from indexer.recognition.camera import Camera
from indexer.vision.detect import Detector
from tests.pictures import pixels


@pytest.fixture
def detector(camera: Camera) -> Detector:
    return camera.detector


@pytest.mark.parametrize("scale", [0.2, 0.5, 1.0, 3.0, 8.0])
def test_a_face_is_found_where_it_is_at_any_size(detector: Detector, hopper: bytes, scale: float) -> None:
    portrait = PIL.Image.fromarray(pixels(hopper))
    original = detector.detect(np.asarray(portrait))[0]
    resized = portrait.resize((round(portrait.width * scale), round(portrait.height * scale)))

    [face] = detector.detect(np.asarray(resized))

    eye_distance = np.hypot(*(original.landmarks[1] - original.landmarks[0]))
    np.testing.assert_allclose(face.landmarks / scale, original.landmarks, atol=0.15 * eye_distance)


def test_a_face_that_fills_the_whole_picture_is_found(detector: Detector, hopper: bytes) -> None:
    picture = pixels(hopper)
    box = detector.detect(picture)[0].box
    inset = 0.12
    top, left = int(box.y + inset * box.height), int(box.x + inset * box.width)
    bottom, right = int(box.y + (1 - inset) * box.height), int(box.x + (1 - inset) * box.width)

    [face] = detector.detect(np.ascontiguousarray(picture[top:bottom, left:right]))

    assert face.box.width > 0.6 * (right - left)


def test_the_largest_face_comes_first(detector: Detector, hopper: bytes, collins: bytes) -> None:
    small, large = pixels(hopper)[::2, ::2], pixels(collins)
    both = np.zeros((512, 256 + 512, 3), np.uint8)
    both[: small.shape[0], :256] = small
    both[:, 256:] = large

    faces = detector.detect(both)

    areas = [face.box.area_px for face in faces]
    assert len(faces) == 2
    assert areas == sorted(areas, reverse=True)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (31, 33), (3, 4000)])
def test_pictures_of_odd_shapes_have_no_face_and_raise_nothing(
    detector: Detector, shape: tuple[int, int]
) -> None:
    assert detector.detect(np.full((*shape, 3), 128, np.uint8)) == []
