"""What prints and screens have in common: they are held before a lens."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.types import Image


def placed(flat: NDArray[Any], share: float, tilt: float, rng: np.random.Generator) -> Image:
    """`flat`, a print or a device, tilted and held before a wall. It takes `share` of the picture's sides at
    its own resolution. `tilt`: how far a corner moves at most, as a share of a side."""
    height, width = flat.shape[:2]
    size = (round(width / share), round(height / share))
    wall = _wall(size, rng)
    free = np.array([size[0] - width, size[1] - height])
    corner = free * rng.uniform(0.3, 0.7, 2)
    rectangle = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = rectangle + corner + rng.uniform(-tilt, tilt, (4, 2)) * (width, height)
    transform = cv2.getPerspectiveTransform(rectangle, moved.astype(np.float32))
    seen = cv2.warpPerspective(flat, transform, size, flags=cv2.INTER_LINEAR)
    covered = cv2.warpPerspective(np.full((height, width), 255, np.uint8), transform, size)
    part = (covered.astype(np.float32) / 255)[..., np.newaxis]
    return to_bytes(seen * part + wall * (1 - part))


def photographed(scene: NDArray[Any], rng: np.random.Generator) -> Image:
    """As a photograph of it: a little out of focus, with noise, and compressed."""
    blurred = cv2.GaussianBlur(scene, (0, 0), rng.uniform(0.4, 0.9)).astype(np.float32)
    noisy = to_bytes(blurred + rng.normal(0, rng.uniform(1, 4), blurred.shape))
    _, jpeg = cv2.imencode(".jpg", noisy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(80, 96))])
    seen = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(seen[..., ::-1])


def as_jpeg(image: Image) -> bytes:
    _, jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 97])
    return jpeg.tobytes()


def to_bytes(values: NDArray[Any]) -> Image:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def _wall(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Of one colour, lit from one side, with soft shadows."""
    width, height = size
    colour = rng.uniform(60, 210) + rng.uniform(-25, 25, 3)
    coarse = rng.normal(0, 12, (6, 6)).astype(np.float32)
    shadows = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    light = np.linspace(-1, 1, width)[np.newaxis] * rng.uniform(-25, 25)
    light = light + np.linspace(-1, 1, height)[:, np.newaxis] * rng.uniform(-25, 25)
    return (colour + (shadows + light)[..., np.newaxis]).astype(np.float32)
