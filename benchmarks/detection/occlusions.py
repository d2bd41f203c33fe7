"""Draws masks, scarves and sunglasses on a face, from its landmarks.

Each takes an RGB picture of shape (height, width, 3), uint8, and returns a new one.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from indexer.types import Image, Points

Colour = tuple[int, int, int]
Shape = Sequence[tuple[float, float]]
"""Corners of a polygon: to the right in distances between the eyes, down in distances from eyes to mouth,
from the middle of the eyes."""

WHITE, BLUE, BLACK = (225, 228, 232), (120, 170, 215), (28, 28, 30)
DARK_GLASS = (12, 12, 16)
SCARF: Shape = ((-1.3, 0.55), (0, 0.6), (1.3, 0.55), (1.6, 3.2), (-1.6, 3.2))
UPPER_HALF: Shape = ((-1.5, -2), (1.5, -2), (1.5, 0.35), (-1.5, 0.35))
LEFT_HALF: Shape = ((0, -2), (-2, -2), (-2, 3), (0, 3))
RIGHT_HALF: Shape = ((0, -2), (2, -2), (2, 3), (0, 3))
GRAIN = 4.0
"""Standard deviation of the noise on what covers the face, in grey values."""
SHADE = 15.0
"""By which it is lighter at the picture's lower edge than in the middle."""


def mask_shape(top: float) -> Shape:
    """A medical mask from the bridge of the nose, at `top`, to below the chin."""
    sides = ((0.95, top), (0.85, 1.1), (0.45, 1.75))
    ridge = ((-0.45, top - 0.08), (0.0, top - 0.22), (0.45, top - 0.08))
    left = [(-x, y) for x, y in sides]
    return [left[0], *ridge, *sides, (0.0, 1.95), *reversed(left[1:])]


def cover(image: Image, landmarks: Points, shape: Shape, colour: Colour, rng: np.random.Generator) -> Image:
    """Covers the face by a polygon with a little noise and shading."""
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:].mean(axis=0)
    across, down = landmarks[1] - landmarks[0], mouth - eyes
    corners = np.array([eyes + x * across + y * down for x, y in shape])
    region = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(region, [np.round(16 * corners).astype(np.int32)], (255,), lineType=cv2.LINE_AA, shift=4)
    share = region[..., None] / 255.0
    light = np.linspace(-SHADE, SHADE, len(image))[:, None, None]
    cloth = np.array(colour) + light + rng.normal(0, GRAIN, (*image.shape[:2], 1))
    return np.asarray(np.clip(np.rint(image * (1 - share) + cloth * share), 0, 255), np.uint8)


def sunglasses(image: Image, landmarks: Points) -> Image:
    across = landmarks[1] - landmarks[0]
    down = landmarks[3:].mean(axis=0) - landmarks[:2].mean(axis=0)
    width, degrees = float(np.hypot(*across)), float(np.degrees(np.arctan2(across[1], across[0])))
    covered = image.copy()
    for corner in landmarks[:2]:
        x, y = (corner + 0.05 * down).round().astype(int).tolist()
        sides = (round(0.42 * width), round(0.34 * width))
        cv2.ellipse(covered, (x, y), sides, degrees, 0, 360, DARK_GLASS, -1, cv2.LINE_AA)
    left, right = landmarks[:2].round().astype(int).tolist()
    cv2.line(covered, left, right, DARK_GLASS, max(2, round(0.08 * width)), cv2.LINE_AA)
    return covered


def random_colour(rng: np.random.Generator) -> Colour:
    red, green, blue = rng.integers(30, 200, 3).tolist()
    return red, green, blue
