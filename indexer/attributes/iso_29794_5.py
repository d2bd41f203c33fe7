"""Quality components of ISO/IEC 29794-5:2025, by the names of its reference implementation, OFIQ 1.x (BSI).

Each has a native value and a quality from 0 to 100, by the standard's formulas as OFIQ computes them. What
differs is where they are taken: OFIQ finds 98 landmarks, and takes the luminance of the region within them;
Gemel finds five, and takes the square from brows to mouth of the face at 112 x 112 pixels. So a value is near
OFIQ's, and no statement of conformity. Components that these data do not give are left out.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.estimate import Component
from indexer.attributes.head import FaceView
from indexer.attributes.heads.pose import HeadPose
from indexer.vision.align import ARCFACE_112, inside
from indexer.vision.quality import INNER

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Weights of linear R, G, B (ITU-R BT.709)."""
DARK, BRIGHT = 25, 247
"""A luminance of 0 to 255 is too dark up to the first, and too bright from the second on."""
MAX_ROLL_DEGREES = 45.0
"""Of a face whose crop to the left and right is meant along the picture's rows."""
MIN_COS_YAW = 0.1
"""For the distance of the eyes of a profile."""

_LINEAR = np.arange(256) / 255
_LINEAR = np.where(_LINEAR > 0.04045, ((_LINEAR + 0.055) / 1.055) ** 2.4, _LINEAR / 12.92)
"""Of each 8-bit value of sRGB (IEC 61966-2-1)."""


def components(face: FaceView, pose: HeadPose | None, roll_degrees: float) -> dict[str, Component]:
    """By OFIQ's names. `pose`: by the network; None: components that need it are left out."""
    return {
        name: Component(value=value, quality=float(min(max(round(quality), 0), 100)))
        for name, value, quality in (
            *_luminance(_luminances(face)),
            *_geometry(face, pose, roll_degrees),
        )
    }


def _luminances(face: FaceView) -> NDArray[np.int64]:
    """Of the pixels of the face that lie in the photograph, 0 to 255, shape (n,)."""
    linear = _LINEAR[face.aligned()[INNER]] @ LUMINANCE
    values: NDArray[np.int64] = np.floor(255 * linear + 0.5).astype(np.int64)
    if face.share_inside < 1:
        seen = inside(face.pixels, face.face.landmarks, ARCFACE_112, divisor=face.divisor)
        if seen is not None and seen[INNER].any():
            values = values[seen[INNER]]
    return values.reshape(-1)


def _luminance(values: NDArray[np.int64]) -> Iterator[tuple[str, float, float]]:
    shares = np.bincount(values, minlength=256) / len(values)
    levels = np.arange(256) / 255
    mean = float(shares @ levels)
    variance = float(shares @ (levels - mean) ** 2)
    dark, bright = float(shares[: DARK + 1].sum()), float(shares[BRIGHT:].sum())
    some = shares[shares > 0]
    entropy = float(-(some @ np.log2(some)))
    yield "LuminanceMean", mean, 100 * _sigmoid(mean, 0.2, 0.05) * (1 - _sigmoid(mean, 0.8, 0.05))
    spread = 60 * variance
    yield "LuminanceVariance", variance, 100 * math.sin(math.pi * spread / (spread + 1))
    yield "UnderExposurePrevention", dark, 120 * (0.832 - _sigmoid(dark, 0.92, 0.05))
    yield "OverExposurePrevention", bright, 1 / (bright + 0.01)
    yield "DynamicRange", entropy, 12.5 * entropy


def _geometry(face: FaceView, pose: HeadPose | None, roll: float) -> Iterator[tuple[str, float, float]]:
    left, right = face.face.landmarks[:2]  # as they lie in an upright picture
    distance = float(np.hypot(*(right - left)))
    if pose is not None:
        corrected = distance / max(math.cos(math.radians(pose.yaw)), MIN_COS_YAW)
        yield "InterEyeDistance", corrected, 100 * _sigmoid(corrected, 70, 20)
        yield "HeadPoseYaw", pose.yaw, _frontal(pose.yaw)
        yield "HeadPosePitch", pose.pitch, _frontal(pose.pitch)
    yield "HeadPoseRoll", roll, _frontal(roll)
    if abs(roll) <= MAX_ROLL_DEGREES and distance > 0:
        width = face.pixels.shape[1] * face.divisor
        before, after = float(left[0]) / distance, (width - float(right[0])) / distance
        yield "LeftwardCropOfTheFaceImage", before, 100 * _sigmoid(before, 0.9, 0.1)
        yield "RightwardCropOfTheFaceImage", after, 100 * _sigmoid(after, 0.9, 0.1)


def _frontal(degrees: float) -> float:
    return 100 * max(0.0, math.cos(math.radians(degrees))) ** 2


def _sigmoid(value: float, middle: float, width: float) -> float:
    return float(1 / (1 + np.exp(np.clip((middle - value) / width, -500, 500))))
