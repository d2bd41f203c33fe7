"""Seven expressions by the network of OpenCV Zoo, a MobileFaceNet trained by Progressive Teacher (Jiang and
Deng 2021)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.estimate import Estimate
from indexer.attributes.head import FaceView
from indexer.inference.network import Network, read

EXPRESSIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""In the order of the network's outputs."""


class ExpressionHead:
    """Takes the face at `ARCFACE_112`."""

    def __init__(self, weights: bytes, *, threads: int) -> None:
        """Raises RuntimeError if `weights` is no network."""
        self._network = Network(read(weights), threads=threads)

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return [self._estimate(face) for face in faces]  # the network takes one face at a time

    def _estimate(self, face: FaceView) -> Estimate:
        pixels = face.aligned().astype(np.float32) / 127.5 - 1.0
        [logits] = self._network.run(pixels.transpose(2, 0, 1)[np.newaxis])
        probabilities = softmax(logits[0])
        best = int(np.argmax(probabilities))
        return Estimate(
            value=EXPRESSIONS[best],
            confidence=float(probabilities[best]),
            scores=dict(zip(EXPRESSIONS, probabilities.tolist(), strict=True)),
        )


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities, shape (n,)."""
    shares = np.exp(logits - logits.max())
    return np.asarray(shares / shares.sum(), np.float32)
