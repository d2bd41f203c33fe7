"""Degrades pictures as bad cameras and bad light do, for evaluation and training.

Every function takes an RGB picture of shape (height, width, 3), uint8, returns a new one of the same shape
and leaves its argument unchanged. Serving never imports this module.
"""

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.types import Image, Points

GREY = 128


def low_resolution(image: Image, factor: float) -> Image:
    """Reduces each side to `factor` (0 to 1) by averaging, and enlarges it again."""
    height, width = image.shape[:2]
    small = (max(1, round(width * factor)), max(1, round(height * factor)))
    reduced = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def noise(image: Image, sigma: float, rng: np.random.Generator) -> Image:
    """Gaussian noise with standard deviation `sigma`, in grey values of 0 to 255, per pixel and channel."""
    return _bytes(image + rng.standard_normal(image.shape, np.float32) * np.float32(sigma))


def blur(image: Image, sigma_px: float) -> Image:
    """Gaussian blur, as out of focus."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma_px), np.uint8)


def motion_blur(image: Image, length_px: int, degrees: float) -> Image:
    """Blur along a line of `length_px`, as if camera or face moved."""
    kernel = np.zeros((length_px, length_px), np.float32)
    kernel[length_px // 2] = 1.0
    middle = (length_px - 1) / 2
    turn = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
    kernel = np.asarray(cv2.warpAffine(kernel, turn, (length_px, length_px)), np.float32)
    return np.asarray(cv2.filter2D(image, -1, kernel / max(float(kernel.sum()), 1e-6)), np.uint8)


def jpeg(image: Image, quality: int) -> Image:
    """JPEG compression; `quality`: 1 to 100."""
    _, coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])


def brightness(image: Image, factor: float) -> Image:
    """Each value times `factor`, as under- or overexposed."""
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
    """About the middle of the picture, counterclockwise; black where it had no pixels."""
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(image, turn, (width, height)), np.uint8)


def _bytes(values: NDArray[np.float32]) -> Image:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
