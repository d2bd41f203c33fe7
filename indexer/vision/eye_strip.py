"""The eyes of a face from temple to temple, and how dark it is where lenses would be."""

import numpy as np
from numpy.typing import NDArray

from indexer.types import Image, Template
from indexer.vision.align import ARCFACE_112

_EYES_PX = 51.2
"""From eye to eye, in `EYES_128`."""
_MIDDLE = np.array([64.0, 47.4])
"""Between the eyes, in `EYES_128`."""


def _template() -> Template:
    left, right = ARCFACE_112.points[:2]
    points = (ARCFACE_112.points - (left + right) / 2) * (_EYES_PX / (right[0] - left[0])) + _MIDDLE
    return Template(name="eyes-128-v1", side_px=128, points=points.astype(np.float32), refined=False)


EYES_128 = _template()
"""The face from the brows to the mouth, as wide as a pair of glasses."""
STRIP = slice(32, 96)
"""The rows of `EYES_128` with the eyes: from above the brows to the tip of the nose."""

_LENS = (0.45, 0.3)
"""Width and height of the inner part of a lens, in distances between the eyes. Half of it lies below the
pupil, where a bare face has skin."""
_SKIN = ((0.0, 0.52, 0.35, 0.3), (-0.5, 0.82, 0.3, 0.25), (0.5, 0.82, 0.3, 0.25))
"""Nose and cheeks: from the middle of the eyes to the right and down, width and height, likewise."""


def eye_strip(aligned: Image) -> NDArray[np.float32]:
    """The rows with the eyes, shape (64, 128, 3), 0 to 255, with the same contrast in every light: a network
    that was trained on good pictures takes the eyes in a dark one for glasses. `aligned`: to `EYES_128`."""
    strip = aligned[STRIP].astype(np.float32)
    low, high = np.percentile(strip, (2, 98))
    return np.asarray(np.clip((strip - low) / (high - low + 1) * 235 + 10, 0, 255), np.float32)


def lens_darkness(aligned: Image) -> float:
    """By how much the inner parts of the lenses, or the eyes without them, are darker than the skin of nose
    and cheeks: the logarithm of the ratio of the medians of grey values, 0 where they are alike. `aligned`:
    to `EYES_128`."""
    grey = aligned.astype(np.float32).mean(axis=2)
    eyes = EYES_128.points[:2]
    lenses = np.median(
        [np.median(_part(grey, x, y + dy * _EYES_PX, *_LENS)) for x, y in eyes for dy in (0.0, 0.18)]
    )
    middle_x, middle_y = _MIDDLE
    skin = np.concatenate(
        [
            _part(grey, middle_x + dx * _EYES_PX, middle_y + dy * _EYES_PX, width, height).ravel()
            for dx, dy, width, height in _SKIN
        ]
    )
    return float(np.log((np.median(skin) + 5) / (lenses + 5)))


def _part(grey: NDArray[np.float32], x: float, y: float, width: float, height: float) -> NDArray[np.float32]:
    """`width` and `height` in distances between the eyes."""
    half_x, half_y = width * _EYES_PX / 2, height * _EYES_PX / 2
    return grey[round(y - half_y) : round(y + half_y), round(x - half_x) : round(x + half_x)]
