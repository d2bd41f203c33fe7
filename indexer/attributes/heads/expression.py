"""Seven expressions by the network of OpenCV Zoo, a MobileFaceNet trained by Progressive Teacher (Jiang and
Deng 2021, "Boosting Facial Expression Recognition by a Semi-Supervised Progressive Teacher").

It takes in what OpenCV Zoo's own program gives it: the face at ArcFace's five points, RGB, -1 to 1. It knows
no contempt.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.head import FaceView
from indexer.attributes.heads.trained_expression import TrainedHead
from indexer.inference.network import Network, read
from indexer.types import Image, Quality

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""In the order of the network's outputs."""

FEATURES = "481"
"""The network's name of the 512 features from which its last layer makes the outputs."""

TEMPERATURE = 2.6
"""Divides the network's outputs before the softmax (Guo et al. 2017, "On Calibration of Modern Neural
Networks"): without it the network is right half as often as it says. Fitted by likelihood on the 561 pictures
of CK+ that show an expression the network knows; fitted on nine tenths of the people, 2.6 to 2.8."""

MIN_CONFIDENCE = 0.4
"""With less, the head is right in a fifth of CK+'s pictures: it does not decide."""

MIN_FACE_PX = 16.0
"""Shorter side of the face's box. CK+ reduced so far keeps 43 of 67 % right; with 20 pixels 61 %."""
MIN_SHARPNESS = 10.0
"""Of `Quality.sharpness`. CK+ blurred so far keeps 33 of 67 % right."""
MIN_EXPOSURE = 5.0
"""Of `Quality.exposure`. CK+ darkened so far keeps 26 of 67 % right, brightened so far 42 %."""
MIN_POSE = 5.0
"""Of `Quality.pose`: a profile. Not measured: all faces of CK+ are frontal."""

_MIDDLE_GREY = 127.5


class ExpressionHead:
    """Takes the face at `ARCFACE_112`."""

    def __init__(self, weights: bytes, *, threads: int, trained: TrainedHead | None = None) -> None:
        """`weights`: of the published network. `trained`: takes the place of its last layer.

        Raises RuntimeError if a file is no network."""
        self._network = Network(read(weights, FEATURES), threads=threads)
        self._trained = None if trained is None else Network(read(trained.weights), threads=1)
        self.expressions = EXPRESSIONS if trained is None else trained.card.expressions
        """What it knows."""

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return [self._estimate(face) for face in faces]  # the network takes one face at a time

    def _estimate(self, face: FaceView) -> Estimate:
        aligned = face.aligned()
        why = unsuitable(face.quality, aligned)
        if why is not None:
            return Estimate.nothing(why)
        logits, features = self._network.run(as_input(aligned))
        if self._trained is None:
            return decide(softmax(logits[0] / TEMPERATURE))
        [[probabilities]] = self._trained.run(features)
        return decide(probabilities, self.expressions)


def decide(probabilities: NDArray[np.float32], expressions: Sequence[str] = EXPRESSIONS) -> Estimate:
    """`probabilities`: of `expressions`, in their order, calibrated."""
    best = int(np.argmax(probabilities))
    scores = dict(zip(expressions, probabilities.tolist(), strict=True))
    if probabilities[best] < MIN_CONFIDENCE:
        return Estimate.nothing(CannotTell.UNDECIDED, scores)
    return Estimate(value=expressions[best], confidence=float(probabilities[best]), scores=scores)


def unsuitable(quality: Quality, aligned: Image) -> CannotTell | None:
    """Why the face shows too little for an estimate. `aligned`: at `ARCFACE_112`."""
    if quality.face_px is not None and quality.face_px < MIN_FACE_PX:
        return CannotTell.TOO_SMALL
    if quality.exposure < MIN_EXPOSURE:
        return CannotTell.TOO_DARK if aligned.mean() < _MIDDLE_GREY else CannotTell.TOO_BRIGHT
    if quality.sharpness < MIN_SHARPNESS:
        return CannotTell.TOO_BLURRED
    if quality.pose < MIN_POSE:
        return CannotTell.TURNED_AWAY
    return None


def as_input(aligned: Image) -> NDArray[np.float32]:
    """What the network takes in, shape (1, 3, 112, 112), from a face at `ARCFACE_112`."""
    pixels = aligned.astype(np.float32) / 127.5 - 1.0
    return pixels.transpose(2, 0, 1)[np.newaxis]


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities, shape (n,)."""
    shares = np.exp(logits - logits.max())
    return np.asarray(shares / shares.sum(), np.float32)
