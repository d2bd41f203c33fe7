"""How suitable a face is for recognition: measured values, and scores from 0 to 100 derived from them.

The ends of each score's range come from LFW, and from the same faces reduced and blurred
(`benchmarks/quality/`): at 100 SFace recognises them as well as the originals, at 0 not at all.
"""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.types import Face, Image, Quality
from indexer.vision.miss_rate import expected_miss_rate

SIZE_PX = (12.0, 60.0)
SHARPNESS_RATIO = (0.001, 0.02)
EXPOSURE = (20.0, 60.0)
POSE_RATIO = (0.75, 0.25)

INNER = (slice(24, 104), slice(16, 96))
"""Rows and columns of an aligned face from brows to mouth, without background, which may be out of focus."""

_ROUNDING = 20 / 12
"""Variance of the Laplacian of rounding errors: 1/12 per pixel, times the squares of (1, 1, -4, 1, 1)."""


def measure(face: Face, aligned: Image, inside: NDArray[np.bool_] | None = None) -> Quality:
    """`aligned`: the face at a 112 x 112 template, so that sharpness does not depend on its size. `inside`,
    (112, 112): which of its pixels lie in the photograph; None: all. The others are black, which is neither
    detail nor darkness."""
    grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inner = grey[INNER] if inside is None else _some(grey[INNER], inside[INNER])
    sharpness_ratio = sharpness(grey, INNER, inside)
    components = {
        "size": _between(face.box.shorter_side_px, *SIZE_PX),
        "sharpness": _between(sharpness_ratio, *SHARPNESS_RATIO),
        "exposure": _between(_distance_from_clipping(inner), *EXPOSURE),
        "pose": _between(turned_ratio(face), *POSE_RATIO),
    }
    return Quality(
        score=min(components.values()),
        **components,
        face_px=face.box.shorter_side_px,
        sharpness_ratio=sharpness_ratio,
        brightness=float(inner.mean()),
    )


def with_recognisability(quality: Quality, recognisability: float) -> Quality:
    """`recognisability`: as `RecognisabilityNetwork` measures it."""
    return replace(
        quality,
        recognisability=recognisability,
        expected_miss_rate=expected_miss_rate(recognisability),
    )


def sharpness(
    grey: NDArray[np.float32], region: tuple[slice, slice], inside: NDArray[np.bool_] | None = None
) -> float:
    """Energy of the Laplacian over the variance of the grey values (h, w), within `region` and `inside`.

    The variance of the Laplacian is the usual focus measure (Pertuz et al. 2013, LAP4); divided by the
    variance of the picture it does not depend on contrast. Two things that are no detail are left out: the
    border, where OpenCV mirrors the picture, which makes a crease; and the noise of rounding to whole grey
    values.
    """
    laplacian, values = cv2.Laplacian(grey, cv2.CV_32F)[region], grey[region]
    if inside is not None:  # the Laplacian reaches a pixel farther, and the alignment interpolates
        within = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1)[region] > 0
        laplacian, values = _some(laplacian, within), _some(values, within)
    energy = max(float(laplacian.var()) - _ROUNDING, 0.0)
    return energy / max(float(values.var()), 1.0)


def turned_ratio(face: Face) -> float:
    """0 for a frontal face, 1 if the nose lies over an eye: |nose - middle of the eyes| along the line of the
    eyes, divided by half of their distance."""
    left, right, nose = face.landmarks[:3]
    eyes = right - left
    distance = max(float(np.hypot(*eyes)), 1e-6)
    along = float((nose - (left + right) / 2) @ eyes) / distance
    return abs(along) / (distance / 2)


def _some(values: NDArray[Any], inside: NDArray[np.bool_]) -> NDArray[Any]:
    """Those `inside`; all where none is."""
    return values[inside] if inside.any() else values


def _distance_from_clipping(grey: NDArray[np.float32]) -> float:
    mean = float(grey.mean())
    return min(mean, 255.0 - mean)


def _between(value: float, worst: float, best: float) -> float:
    return float(np.clip((value - worst) / (best - worst), 0.0, 1.0) * 100.0)
