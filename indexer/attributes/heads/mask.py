"""Whether a face wears a mask over mouth and nose, by AIZOO's FaceMaskDetection (2020), a detector of faces
with and without masks (SSD, Liu et al. 2016, with 1.01 million parameters).

It runs on the face that Gemel has found, as large as the detector's anchors expect it. Of its boxes only
those over that face count.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.head import FaceView, once
from indexer.inference.network import Network, read_tflite
from indexer.types import Quality
from indexer.vision.surroundings import square_around

SIDE_PX = 260
SCALE = 2.0
"""Of the square by the face's longer side: it is half as wide as the picture that the network gets."""
GRIDS = (
    (33, (0.04, 0.056)),
    (17, (0.08, 0.11)),
    (9, (0.16, 0.22)),
    (5, (0.32, 0.45)),
    (3, (0.64, 0.72)),
)
"""Of the anchors: cells along a side, and sizes as shares of the picture's side."""
ASPECTS = (0.62, 0.42)
"""Width by height, of two more anchors in each cell, with the first size; the others are squares."""
VARIANCES = (0.1, 0.1, 0.2, 0.2)
MIN_OVERLAP = 0.35
"""Intersection by union of a box of the network with the face, a square."""

OF_MASKED, OF_BARE, OFFSET = 1.13, -1.28, 6.45
"""Of the log-odds of a mask, by the log-odds of the network's two scores (logistic regression). Fitted on one
half of the pictures of docs/explanation/attributes.md, measured on the other."""
MIN_CONFIDENCE = 0.8
_FLOOR = 1e-4

MIN_FACE_PX = 20.0
"""Shorter side of the face's box. Pictures reduced so far keep 92 of 99 % right; with 16 pixels 81 %."""
MIN_EXPOSURE = 5.0
"""Of `Quality.exposure`."""
MIN_SHARE_INSIDE = 0.7
_MIDDLE_GREY = 127.5

MASK, NONE = "mask", "none"


class MaskHead:
    def __init__(self, weights: bytes, *, threads: int) -> None:
        """Raises RuntimeError if `weights` is no network."""
        self._network = Network(read_tflite(weights), threads=threads)

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return once(MaskHead, faces, self._estimates)

    def _estimates(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return [self._estimate(face) for face in faces]  # the network takes one face at a time

    def _estimate(self, face: FaceView) -> Estimate:
        why = unsuitable(face.quality, face.share_inside)
        if why is not None:
            return Estimate.nothing(why)
        return decide(self.log_odds(face))

    def log_odds(self, face: FaceView) -> tuple[float, float] | None:
        """As of `log_odds`."""
        box = face.face.scaled(1 / face.divisor).box
        pixels = square_around(face.pixels, box, SCALE, SIDE_PX)
        outputs = self._network.run(pixels[np.newaxis].astype(np.float32) / 255)
        boxes, classes = sorted((output[0] for output in outputs), key=lambda rows: -rows.shape[1])
        return log_odds(boxes, classes)


def log_odds(boxes: NDArray[np.float32], classes: NDArray[np.float32]) -> tuple[float, float] | None:
    """Of a face with a mask, and of one without, each by the best box over the face; None where the network
    sees no face there. `boxes` (n, 4): the offsets from `ANCHORS`. `classes` (n, 2): the network's scores of
    both, 0 to 1."""
    over = _overlap(decoded(boxes), 1 / SCALE) > MIN_OVERLAP
    if not over.any():
        return None
    masked, bare = classes[over].max(axis=0).tolist()
    return _log_odds(masked), _log_odds(bare)


def decide(odds: tuple[float, float] | None) -> Estimate:
    """`odds`: as of `log_odds`."""
    if odds is None:
        return Estimate.nothing(CannotTell.UNDECIDED)
    probability = float(1 / (1 + np.exp(-(OF_MASKED * odds[0] + OF_BARE * odds[1] + OFFSET))))
    scores = {MASK: probability, NONE: 1 - probability}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < MIN_CONFIDENCE:
        return Estimate.nothing(CannotTell.UNDECIDED, scores)
    return Estimate(value=best, confidence=scores[best], scores=scores)


def unsuitable(quality: Quality, share_inside: float) -> CannotTell | None:
    """Why the face shows too little."""
    if quality.face_px < MIN_FACE_PX:
        return CannotTell.TOO_SMALL
    if share_inside < MIN_SHARE_INSIDE:
        return CannotTell.CUT_OFF
    if quality.exposure < MIN_EXPOSURE:
        bright = quality.brightness is not None and quality.brightness > _MIDDLE_GREY
        return CannotTell.TOO_BRIGHT if bright else CannotTell.TOO_DARK
    return None


def anchors() -> NDArray[np.float64]:
    """Middle, width and height of each, shape (n, 4), as shares of the picture's side, in the order of the
    network's outputs."""
    rows = []
    for cells, sizes in GRIDS:
        shapes = [(size, size) for size in sizes]
        shapes += [(sizes[0] * aspect**0.5, sizes[0] / aspect**0.5) for aspect in ASPECTS]
        middles = (np.arange(cells) + 0.5) / cells
        rows += [(x, y, *shape) for y, x, shape in product(middles, middles, shapes)]
    return np.array(rows)


ANCHORS = anchors()


def decoded(offsets: NDArray[np.float32]) -> NDArray[np.float64]:
    """Middle, width and height, shape (n, 4), of the boxes with these `offsets` from `ANCHORS`."""
    scaled = offsets * np.array(VARIANCES)
    middles = scaled[:, :2] * ANCHORS[:, 2:] + ANCHORS[:, :2]
    return np.hstack([middles, np.exp(scaled[:, 2:]) * ANCHORS[:, 2:]])


def _overlap(boxes: NDArray[np.float64], side: float) -> NDArray[np.float64]:
    """Intersection by union with the square of this `side` in the middle of the picture, shape (n,)."""
    middles, sizes = boxes[:, :2], boxes[:, 2:]
    first = np.maximum(middles - sizes / 2, 0.5 - side / 2)
    last = np.minimum(middles + sizes / 2, 0.5 + side / 2)
    shared = np.maximum(last - first, 0).prod(axis=1)
    return np.asarray(shared / (sizes.prod(axis=1) + side**2 - shared))


def _log_odds(score: float) -> float:
    return float(np.log((score + _FLOOR) / (1 - score + _FLOOR)))
