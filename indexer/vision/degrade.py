"""Pictures made worse on purpose, as bad cameras and bad light do it: to measure the cost, and to train on.

Every function takes an RGB picture of shape (height, width, 3), uint8, and returns one of the same shape;
none changes what it is given. Serving never imports this module.
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.types import Image, Points

GREY = 128


def low_resolution(image: Image, factor: float) -> Image:
    """As if it had `factor` (0 to 1) of its pixels a side: made smaller by averaging, and larger again."""
    height, width = image.shape[:2]
    small = (max(1, round(width * factor)), max(1, round(height * factor)))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def noise(image: Image, sigma: float, rng: np.random.Generator) -> Image:
    """Gaussian, of standard deviation `sigma` in steps of 255, in each pixel and channel by itself."""
    return _bytes(image + rng.standard_normal(image.shape, np.float32) * np.float32(sigma))


def blur(image: Image, sigma_px: float) -> Image:
    """Gaussian: out of focus."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.uint8)


def motion_blur(image: Image, length_px: int, degrees: float) -> Image:
    """Along a line of `length_px`: the camera or the face moved."""
    kernel = np.zeros((length_px, length_px), np.float32)
    kernel[length_px // 2] = 1.0
    middle = (length_px - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length_px, length_px)), np.float32)
    return np.asarray(cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6)), np.uint8)


def jpeg(image: Image, quality: int) -> Image:
    """`quality`: 1 to 100, as JPEG has it."""
    _, coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])


def brightness(image: Image, factor: float) -> Image:
    """Each value times `factor`: under- or overexposed."""
    return _bytes(image.astype(np.float32) * factor)


def contrast(image: Image, factor: float) -> Image:
    """Each value's distance to the picture's mean times `factor`."""
    mean = image.mean(dtype=np.float64)
    return _bytes((image.astype(np.float32) - mean) * factor + mean)


def occlude(image: Image, landmarks: Points, part: Literal["eyes", "mouth"]) -> Image:
    """A grey bar over the eyes, as of dark glasses, or over nose tip and mouth, as of a mask."""
    eyes, mouth = landmarks[:2], landmarks[3:]
    across = (eyes[1] - eyes[0]).astype(np.float64)
    down = (mouth.mean(axis=0) - eyes.mean(axis=0)).astype(np.float64)
    if part == "eyes":
        middle, half_across, half_down = eyes.mean(axis=0), 0.95 * across, 0.28 * down
    else:
        middle, half_across, half_down = mouth.mean(axis=0) - 0.05 * down, 0.85 * across, 0.50 * down
    corners = [middle + x * half_across + y * half_down for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    covered = image.copy()
    cv2.fillConvexPoly(covered, np.round(corners).astype(np.int32), (GREY, GREY, GREY))
    return covered


def rotate(image: Image, degrees: float) -> Image:
    """About the picture's middle, against the clock; what comes in from outside is black."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(image, turn, (width, height)), np.uint8)


def _bytes(values: NDArray[np.float32]) -> Image:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
