"""Refines the landmarks of detected faces: YuNet again, on small upright crops of each face.

In a photograph a face may have any size and any angle, and YuNet's landmarks depend on where it lies among
the cells of the maps. Here it is upright and of the size at which the landmarks are best, several times at
slightly different scales and places. The mean of their answers has less than half of the error.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.inference.network import Network
from indexer.types import Image, Points
from indexer.vision.align import ARCFACE_112, CROP_MARGIN, similarity, warp
from indexer.vision.detection.yunet import STRIDES, read_model

SIDE_PX = 160
"""Of the network's input. The largest stride divides it."""
MIN_CONFIDENCE = 0.5
"""A pass in which no face has this confidence is left out of the mean. If that is half of the passes or more,
the landmarks are not refined: single passes find a face in anything."""
SHARE = 0.6
"""A pass takes the mean of the landmarks of all cells with at least this share of the highest score, weighted
by the square of the score."""
MAX_OFFSET = 0.35
"""From the middle of the face, as it is expected, to that of a cell's box, as a share of the side of
`ARCFACE_112` at the scale of the pass."""
BOX_SIDES = (0.5, 2.2)
"""Bounds of the box's longer side, likewise. Other boxes are of a neighbour, or of parts of the face."""

_MARGIN_PX = CROP_MARGIN * ARCFACE_112.side_px
_UPRIGHT = (ARCFACE_112.points + _MARGIN_PX).astype(np.float32)
"""Landmarks in the upright face from which all passes are cut. It shows as much as a stored crop, so that the
crop gives the same landmarks as the photograph."""
_UPRIGHT_PX = round(ARCFACE_112.side_px + 2 * _MARGIN_PX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One view of a face."""

    scale: float
    """Against `ARCFACE_112`."""
    x_px: float
    """From the middle of the view to that of the face."""
    y_px: float

    @property
    def middle(self) -> NDArray[np.float64]:
        """Of the face, in the view."""
        return np.array([self.x_px, self.y_px]) + SIDE_PX / 2

    @property
    def transform(self) -> NDArray[np.float64]:
        """From the upright face to the view, shape (2, 3)."""
        return np.column_stack([np.identity(2) * self.scale, self.middle - self.scale * _UPRIGHT_PX / 2])


# By FNIR on LFW's open set, not by the distance between mirror images (docs/decisions/0018).
PASSES = tuple(
    Pass(scale=scale, x_px=x_px, y_px=y_px)
    for scale, x_px, y_px in ((0.65, 0, 0), (0.75, 3, 2), (0.8, -2, 3), (0.9, -4, -3))
)


class LandmarkRefiner:
    """Safe to call from several threads, which share it."""

    def __init__(
        self,
        weights: Path,
        *,
        passes: Sequence[Pass] = PASSES,
        threads: int = 1,
    ) -> None:
        """`weights`: of YuNet. `threads`: how many faces are refined at once, each by one thread: with two, a
        face takes twice the processor time and hardly less time."""
        model = read_model(weights)
        model.reshape([len(passes), SIDE_PX, SIDE_PX, 3])
        self._network = Network(model, threads=threads)
        self._passes = passes
        self._transforms = [one.transform for one in passes]
        self._middle = np.array([one.middle for one in passes], np.float32)[:, None]
        self._scale = np.array([[one.scale] for one in passes], np.float32)

    @property
    def settings(self) -> str:
        """Identifies the parameters, besides the weights, on which the landmarks depend."""
        return "refined " + " ".join(f"{one.scale:g},{one.x_px:g},{one.y_px:g}" for one in self._passes)

    def refine(self, image: Image, landmarks: Points, *, divisor: int = 1) -> Points:
        """The landmarks (5, 2) of one face, refined, in the same pixels; unchanged if the face is not found
        again.

        `divisor`: of those pixels for each one of `image`, along a side."""
        # One batch is one face: with several, a face takes more time, because they outgrow the caches.
        to_upright = similarity(landmarks, _UPRIGHT)
        upright = warp(image, to_upright, _UPRIGHT_PX, divisor)
        views = np.stack([warp(upright, transform, SIDE_PX, 1) for transform in self._transforms])
        points, confidence = self._found(views)
        sure = confidence >= MIN_CONFIDENCE
        if 2 * sure.sum() <= len(views):
            return landmarks
        in_upright = (points - self._middle) / self._scale[..., None] + _UPRIGHT_PX / 2
        mean = in_upright[sure].mean(axis=0)
        back = np.linalg.inv(to_upright[:, :2])
        return np.asarray((mean - to_upright[:, 2]) @ back.T, np.float32)

    def _found(self, views: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Of each view (n, side, side, 3) the landmarks of the face in its middle, (n, 5, 2), in its pixels,
        and the highest score, (n,); 0 where there is no face."""
        outputs = self._network.run(views.astype(np.float32))
        scores, boxes, points = (_by_view(output[0], len(views)) for output in outputs)
        cell, stride = _CELLS[:, :2], _CELLS[:, 2:]
        offset = np.linalg.norm((boxes[..., :2] + cell) * stride - self._middle, axis=2)
        longer_side = np.exp(boxes[..., 2:]).max(axis=2) * stride[:, 0]
        side = self._scale * ARCFACE_112.side_px
        least, most = BOX_SIDES
        fits = (offset < MAX_OFFSET * side) & (longer_side > least * side) & (longer_side < most * side)
        score = np.where(fits, scores[..., 0], np.float32(0))
        best = score.max(axis=1)
        weight = np.where(score >= SHARE * best[:, None], score, 0) ** 2
        weight /= np.maximum(weight.sum(axis=1, keepdims=True), np.float32(1e-9))
        landmarks = (points.reshape(*score.shape, 5, 2) + cell[:, None]) * stride[:, None]
        return np.einsum("nc,ncpx->npx", weight, landmarks), best


def _cells() -> NDArray[np.float32]:
    """Column, row and stride of the cells of a view, in the order of `_by_view`, shape (cells, 3)."""
    levels = []
    for stride in STRIDES:
        row, column = np.indices((SIDE_PX // stride, SIDE_PX // stride)).reshape(2, -1)
        levels.append(np.stack([column, row, np.full(len(row), stride)], axis=1))
    return np.concatenate(levels).astype(np.float32)


_CELLS = _cells()


def _by_view(output: NDArray[np.float32], views: int) -> NDArray[np.float32]:
    """An output of a batch, shape (views, cells, values): the network gives the cells of one stride of all
    views, then those of the next stride."""
    sizes = [views * (SIDE_PX // stride) ** 2 for stride in STRIDES]
    levels = np.split(output.reshape(sum(sizes), -1), np.cumsum(sizes)[:-1])
    return np.concatenate([level.reshape(views, -1, level.shape[1]) for level in levels], axis=1)
