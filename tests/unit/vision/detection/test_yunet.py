"""YuNet finds what `cv2.FaceDetectorYN` finds, in pictures of any shape."""

import cv2
import numpy as np
import PIL.Image
import pytest
import skimage.data

from indexer.inference.shapes import USES_BEFORE_COMPILING
from indexer.types import Face, Image
from indexer.vision import degrade
from indexer.vision.detection.yunet import GREY, MIN_SIDE_PX, YuNet
from indexer.weights.locate import locate
from indexer.weights.published import YUNET
from tests.support.pictures import pixels

MIN_CONFIDENCE = 0.6


@pytest.fixture(scope="module")
def network() -> YuNet:
    return YuNet(locate(YUNET), min_confidence=MIN_CONFIDENCE)


@pytest.fixture(scope="module")
def opencv() -> cv2.FaceDetectorYN:
    return cv2.FaceDetectorYN.create(str(locate(YUNET)), "", (320, 320), score_threshold=MIN_CONFIDENCE)


def expect_equal(network: YuNet, opencv: cv2.FaceDetectorYN, picture: Image, *, border: float = 0.0) -> int:
    """How many faces both found."""
    height, width = picture.shape[:2]
    top, left = round(border * height), round(border * width)
    below, right = (
        max(margin, MIN_SIDE_PX - side - margin) for side, margin in ((height, top), (width, left))
    )
    padded = np.pad(picture, ((top, below), (left, right), (0, 0)), constant_values=GREY)
    opencv.setInputSize((padded.shape[1], padded.shape[0]))
    _, rows = opencv.detect(np.ascontiguousarray(padded[..., ::-1]))
    expected = np.empty((0, 15)) if rows is None else np.array(rows)
    expected[:, :14:2] -= left
    expected[:, 1:14:2] -= top
    expected[:, 2:4] += (left, top)  # width and height have no place
    found = [row(face) for face in network.detect(picture, border=border)]
    np.testing.assert_allclose(np.reshape(found, (-1, 15)), expected, atol=0.01)
    return len(found)


def row(face: Face) -> list[float]:
    box = face.box
    return [box.x, box.y, box.width, box.height, *map(float, face.landmarks.flat), face.confidence]


@pytest.fixture(scope="module")
def crowd(hopper: bytes, collins: bytes) -> Image:
    """Faces of many sizes, 640 x 480, some cut off by the sides."""
    picture = np.full((480, 640, 3), 90, np.uint8)
    portraits = [PIL.Image.fromarray(pixels(data)) for data in (hopper, collins)]
    for i, (top, left, side) in enumerate(
        [
            (0, 0, 240),
            (0, 240, 120),
            (130, 250, 60),
            (0, 400, 240),
            (250, 30, 230),
            (270, 270, 90),
            (370, 550, 90),
        ]
    ):
        picture[top : top + side, left : left + side] = np.asarray(portraits[i % 2].resize((side, side)))
    return picture


def test_several_faces_are_found_as_opencv_finds_them(
    network: YuNet, opencv: cv2.FaceDetectorYN, crowd: Image
) -> None:
    assert expect_equal(network, opencv, crowd) >= 5


def test_faces_are_equal_when_the_size_is_compiled(
    network: YuNet, opencv: cv2.FaceDetectorYN, crowd: Image
) -> None:
    for _ in range(USES_BEFORE_COMPILING + 2):
        assert expect_equal(network, opencv, crowd) >= 5


@pytest.mark.parametrize("border", [0.1, 0.5])
def test_faces_in_a_grey_border_are_found_as_opencv_finds_them(
    network: YuNet, opencv: cv2.FaceDetectorYN, crowd: Image, border: float
) -> None:
    assert expect_equal(network, opencv, crowd[:201, :333], border=border) >= 1


def test_faces_of_bad_pictures_are_found_as_opencv_finds_them(
    network: YuNet, opencv: cv2.FaceDetectorYN, crowd: Image
) -> None:
    rng = np.random.default_rng(0)
    bad = [
        degrade.brightness(crowd, 0.15),
        degrade.brightness(crowd, 4.0),
        degrade.blur(crowd, 2.5),
        degrade.noise(crowd, 30.0, rng),
        degrade.rotate(crowd, 40.0),
        degrade.low_resolution(crowd, 0.3),
        np.ascontiguousarray(np.rot90(crowd)),
    ]
    counts = [expect_equal(network, opencv, picture) for picture in bad]
    assert sum(count > 0 for count in counts) >= 5


def test_pictures_with_sides_of_1_to_70_pixels_give_what_opencv_gives(
    network: YuNet, opencv: cv2.FaceDetectorYN, hopper: bytes
) -> None:
    portrait = PIL.Image.fromarray(pixels(hopper))
    found = [
        expect_equal(network, opencv, np.asarray(portrait.resize((side, height))))
        for side in range(1, 71)
        for height in (side, 71 - side)
    ]
    assert sum(found) > 20


@pytest.mark.parametrize("shape", [(1, 900), (900, 1), (33, 1024), (1024, 65), (97, 800)])
def test_long_thin_pictures_give_what_opencv_gives(
    network: YuNet, opencv: cv2.FaceDetectorYN, hopper: bytes, shape: tuple[int, int]
) -> None:
    portrait = pixels(hopper)
    side = max(min(shape), 1)
    face = np.asarray(PIL.Image.fromarray(portrait[:500, :500]).resize((side, side)))
    picture = np.full((*shape, 3), 60, np.uint8)
    picture[:side, :side] = face

    found = expect_equal(network, opencv, picture)

    assert found >= (1 if side > 64 else 0)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_other_pictures_give_what_opencv_gives(network: YuNet, opencv: cv2.FaceDetectorYN, name: str) -> None:
    assert expect_equal(network, opencv, getattr(skimage.data, name)()) == (1 if name == "astronaut" else 0)
