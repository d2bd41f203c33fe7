"""The contours of a face's eyes, by MediaPipe's network of the iris (Ablavatski et al. 2020, "Real-time Pupil
Tracking from Monocular Video for Digital Puppetry"), whose landmarks of the lids are used here.

The network gets one eye, upright, and knows one side of the face only: the other eye is mirrored. It is run
twice: first around the detector's landmark, then around the corners of the eye that it has found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.head import FaceView
from indexer.inference.network import Network, read_tflite
from indexer.types import Image
from indexer.vision.align import warp

SIDE_PX = 64
CROP_WIDTHS = 2.3
"""Side of the network's input in widths of the eye, from corner to corner: MediaPipe's own figure."""
EYE_WIDTH = 0.47
"""Of an eye, in distances between the eyes' middles: an average, until the corners are known."""
MIN_EYE_WIDTH = 0.3
"""Corners that are closer than that are a mistake of the network."""

POINTS, CONTOUR = 71, 16
"""Of the network: those of the contour, then those around the eye."""
OUTER, INNER = 0, 8
"""The corners, in the contour's order."""
LOWER, UPPER = slice(1, 8), slice(9, 16)
"""The lids, both from the outer corner to the inner one."""

Contour = NDArray[np.float64]
"""Of one eye: 16 points, shape (16, 2), in pixels of the network's input, where every eye is upright and its
outer corner is at the left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eye:
    """Where an eye is looked for, in pixels of the photograph as it was sent."""

    middle: NDArray[np.float64]
    across: NDArray[np.float64]
    """From its corner at the picture's left to the other one, of an upright face."""
    is_mirrored: bool
    """The eye at the right of an upright face."""

    def transform(self) -> NDArray[np.float64]:
        """The (2, 3) similarity that brings the eye, upright, into the middle of the network's input."""
        cosine, sine = self.across / (self.across @ self.across) * SIDE_PX / CROP_WIDTHS
        turned = np.array([[cosine, sine], [-sine, cosine]])
        return np.column_stack([turned, (SIDE_PX - 1) / 2 - turned @ self.middle])

    def refined(self, contour: Contour) -> Self:
        """Around the corners of `contour`, which the network found in this one."""
        corners = contour[[OUTER, INNER]]
        if self.is_mirrored:
            corners = corners[::-1] * (-1, 1) + (SIDE_PX - 1, 0)
        transform = self.transform()
        corners = (corners - transform[:, 2]) @ np.linalg.inv(transform[:, :2]).T
        across = corners[1] - corners[0]
        least = MIN_EYE_WIDTH / EYE_WIDTH * np.hypot(*self.across)
        width = max(float(np.hypot(*across)), 1e-6)
        return type(self)(
            middle=corners.mean(axis=0),
            across=across * max(1.0, least / width),
            is_mirrored=self.is_mirrored,
        )


class EyeContours:
    """Safe to call from several threads."""

    def __init__(self, weights: bytes, *, threads: int) -> None:
        """Raises RuntimeError if `weights` is no network."""
        model = read_tflite(weights)
        model.reshape([-1, SIDE_PX, SIDE_PX, 3])
        self._network = Network(model, threads=threads)

    def find(self, faces: Sequence[FaceView]) -> list[tuple[Contour, Contour]]:
        """Of each face: of the eye at the left of the upright face, the person's right one, and of the
        other."""
        views = [face for face in faces for _ in range(2)]
        eyes = [eye for face in faces for eye in _eyes(face)]
        found = self._contours(views, eyes)
        eyes = [eye.refined(contour) for eye, contour in zip(eyes, found, strict=True)]
        found = self._contours(views, eyes)
        return list(zip(found[::2], found[1::2], strict=True))

    def _contours(self, views: Sequence[FaceView], eyes: Sequence[Eye]) -> list[Contour]:
        if not eyes:
            return []
        inputs = np.stack([_cut_out(view, eye) for view, eye in zip(views, eyes, strict=True)])
        outputs, _ = self._network.run(inputs.astype(np.float32) / 255)
        return list(outputs.reshape(len(eyes), POINTS, 3)[:, :CONTOUR, :2].astype(np.float64))


def _eyes(face: FaceView) -> list[Eye]:
    left, right = face.face.landmarks[:2].astype(np.float64)
    across = EYE_WIDTH * (right - left)
    if not across.any():
        across = np.array([EYE_WIDTH, 0.0])
    return [
        Eye(middle=left, across=across, is_mirrored=False),
        Eye(middle=right, across=across, is_mirrored=True),
    ]


def _cut_out(face: FaceView, eye: Eye) -> Image:
    """Shape (64, 64, 3), RGB."""
    pixels = warp(face.pixels, eye.transform(), SIDE_PX, face.divisor)
    return pixels[:, ::-1] if eye.is_mirrored else pixels
