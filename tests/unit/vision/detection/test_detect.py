"""Detection finds faces of any size and rotation, and at the edges of pictures."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import PIL.Image
import pytest
import skimage.data

from indexer.pipeline.pipeline import Pipeline
from indexer.vision.detection.detect import Detector
from indexer.vision.detection.yunet import YuNet
from indexer.weights.locate import locate
from indexer.weights.published import YUNET
from tests.support.pictures import pixels


@pytest.fixture
def detector(pipeline: Pipeline) -> Detector:
    return pipeline.detector


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


def close_up(detector: Detector, portrait: bytes, height: int, *, share: float = 0.8) -> np.ndarray:
    """A portrait whose face takes `share` of the picture's height, in pixels."""
    picture = pixels(portrait)
    box = detector.detect(picture)[0].box
    side = box.height / share
    left, top = box.x + box.width / 2 - side / 2, box.y + box.height / 2 - side / 2
    face = PIL.Image.fromarray(picture).crop(
        (max(0, round(left)), max(0, round(top)), round(left + side), round(top + side))
    )
    return np.asarray(face.resize((round(height * face.width / face.height), height)))


@pytest.mark.parametrize("share", [0.7, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("height", [400, 640, 1024, 3456])
def test_a_close_up_comes_before_the_small_bystander_in_it(
    detector: Detector, hopper: bytes, collins: bytes, height: int, share: float
) -> None:
    face = close_up(detector, hopper, height, share=share)
    poster = PIL.Image.fromarray(pixels(collins)[40:240, 120:320]).resize((height // 4, height // 4))
    picture = np.zeros((height, face.shape[1] + height // 4, 3), np.uint8)
    picture[:, : face.shape[1]] = face
    picture[: height // 4, face.shape[1] :] = np.asarray(poster)

    first, second = detector.detect(picture)

    assert first.box.height > 0.6 * height
    assert first.box.x < face.shape[1] / 2
    assert second.box.x > face.shape[1]
    assert second.box.height < 0.3 * height


@pytest.mark.parametrize("share", [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
@pytest.mark.parametrize("height", [300, 640, 1024, 2000])
def test_a_face_that_is_found_at_two_sizes_is_reported_once(
    detector: Detector, hopper: bytes, height: int, share: float
) -> None:
    face = close_up(detector, hopper, round(share / 0.8 * height))
    picture = np.full((height, height, 3), 90, np.uint8)
    picture[: face.shape[0], : face.shape[1]] = face[:, :height]

    [found] = detector.detect(picture)

    assert found.box.height == pytest.approx(share * height, rel=0.2)


@pytest.mark.parametrize("size_px", [256, 1024, 4096])
def test_a_face_that_fills_the_picture_is_found_at_any_detection_size(
    hopper: bytes, detector: Detector, size_px: int
) -> None:
    searching = Detector(YuNet(locate(YUNET), min_confidence=0.7), size_px=size_px)

    [found] = searching.detect(close_up(detector, hopper, 4096))

    assert found.box.height == pytest.approx(0.8 * 4096, rel=0.2)


@pytest.mark.parametrize("rotation_degrees", [90, 180, 270])
def test_faces_of_a_rotated_picture_are_found_at_their_places(
    detector: Detector, hopper: bytes, collins: bytes, rotation_degrees: int
) -> None:
    upright = np.zeros((600, 1024, 3), np.uint8)
    upright[:, :512] = pixels(hopper)[:, :512]
    upright[:512, 512:] = pixels(collins)
    turned = np.ascontiguousarray(np.rot90(upright, rotation_degrees // 90))  # counterclockwise

    faces = detector.detect(turned)

    assert [face.rotation_degrees for face in faces] == [rotation_degrees] * 2
    for face, expected in zip(faces, detector.detect(upright), strict=True):
        back = turned_back_to_upright(face.landmarks, rotation_degrees, turned.shape)
        eye_distance = np.hypot(*(expected.landmarks[1] - expected.landmarks[0]))
        np.testing.assert_allclose(back, expected.landmarks, atol=0.15 * eye_distance)
        box = face.box
        corners = np.array([[box.x, box.y], [box.x + box.width, box.y + box.height]])
        back = turned_back_to_upright(corners, rotation_degrees, turned.shape)
        expected_box = expected.box
        np.testing.assert_allclose(
            [*back.min(axis=0), *np.ptp(back, axis=0)],
            [expected_box.x, expected_box.y, expected_box.width, expected_box.height],
            atol=0.25 * eye_distance,
        )


def turned_back_to_upright(points: np.ndarray, degrees: int, shape: tuple[int, ...]) -> np.ndarray:
    """Rotates points (n, 2) of a picture of a shape clockwise."""
    for _ in range(degrees // 90):
        points = np.stack([shape[0] - 1 - points[:, 1], points[:, 0]], axis=1)
        shape = (shape[1], shape[0])
    return points


def test_an_upright_picture_is_not_rotated(detector: Detector, hopper: bytes) -> None:
    [face] = detector.detect(pixels(hopper))

    assert face.rotation_degrees == 0


@pytest.mark.parametrize("name", ["coffee", "chelsea", "rocket", "horse", "coins", "text", "page", "brick"])
@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_a_picture_without_a_face_has_none_in_any_rotation(
    detector: Detector, name: str, quarters: int
) -> None:
    picture = PIL.Image.fromarray(getattr(skimage.data, name)()).convert("RGB")

    assert detector.detect(np.ascontiguousarray(np.rot90(np.asarray(picture), quarters))) == []


def test_simultaneous_detections_do_not_disturb_each_other(detector: Detector, hopper: bytes) -> None:
    portrait = PIL.Image.fromarray(pixels(hopper))
    pictures = [np.asarray(portrait.resize((side, side))) for side in (200, 300, 400, 500)]
    alone = [detector.detect(picture)[0].box for picture in pictures]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(detector.detect, pictures * 5))

    assert [faces[0].box for faces in together] == alone * 5
