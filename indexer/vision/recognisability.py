"""LightQNet (Chen, Yi and Lv 2021): how well a face can be recognised, by its aligned picture.

The network was trained to predict how similar two pictures of a person are to a network for recognition. It
is optional: nobody's package carries it.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.inference.network import Network, read
from indexer.types import Image

SIDE_PX = 96
"""Of the network's input."""
BATCH = 16
"""Most faces at once: this bounds the memory. Batches are no faster than single faces."""


class RecognisabilityNetwork:
    """Half a millisecond a face, on one thread. Safe to call from several threads."""

    def __init__(self, weights: Path, *, threads: int = 1) -> None:
        """`weights`: LightQNet as it is published, a frozen graph of TensorFlow. `threads`: how many calls
        run at once. Raises RuntimeError if it is none."""
        self._network = Network(read(weights), threads=threads)

    def measure(self, aligned: Sequence[Image]) -> list[float]:
        """0 to 1 for each face, the higher the better; good faces have about 0.6.

        `aligned`: faces at `ARCFACE_112`, shape (112, 112, 3) each, RGB."""
        values: list[float] = []
        for start in range(0, len(aligned), BATCH):
            inputs = np.stack([_resized(face) for face in aligned[start : start + BATCH]])
            outputs = self._network.run((inputs - 128.0) / 128.0)
            values += outputs[0].ravel().tolist()
        return values


def _resized(face: Image) -> NDArray[np.float32]:
    """BGR, as in the network's own demonstration. By RGB it predicts misses a little worse
    (docs/explanation/quality.md)."""
    return cv2.resize(face, (SIDE_PX, SIDE_PX))[..., ::-1].astype(np.float32)
