"""The three networks, and what each takes in. All are MiniFASNets: Minivision's two, of which one gets more
of the surroundings, and one that was retrained on CelebA-Spoof."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.head import FaceView
from indexer.inference.minifasnet import minifasnet
from indexer.inference.network import Network, read
from indexer.types import Box, Image
from indexer.vision.surroundings import square_around, with_surroundings

BATCH = 16
"""Most faces at once: this bounds the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkKind:
    name: str
    """Of its score in an answer."""
    scale: float
    """Times as wide and as high as the face's box is the part of the picture that it takes in."""
    live: int
    """Which of its outputs is that of a person; the others are those of attacks."""
    inputs: Callable[[Image, Box], NDArray[np.float32]]
    """The picture and the box in it; shape (3, side, side)."""


def _minivision(scale: float) -> Callable[[Image, Box], NDArray[np.float32]]:
    """BGR, 0 to 255."""

    def inputs(pixels: Image, box: Box) -> NDArray[np.float32]:
        part = with_surroundings(pixels, box, scale, 80)
        return part[..., ::-1].astype(np.float32).transpose(2, 0, 1)

    return inputs


def _retrained(pixels: Image, box: Box) -> NDArray[np.float32]:
    """RGB, 0 to 1."""
    square = square_around(pixels, box, 1.5, 128).astype(np.float32)
    return square.transpose(2, 0, 1) / np.float32(255)


V2 = NetworkKind(name="minifasnet_v2", scale=2.7, live=1, inputs=_minivision(2.7))
V1SE = NetworkKind(name="minifasnet_v1se", scale=4.0, live=1, inputs=_minivision(4.0))
RETRAINED = NetworkKind(name="celeba_spoof", scale=1.5, live=0, inputs=_retrained)
KINDS = (V2, V1SE, RETRAINED)
"""In the order of the weights and of the scores."""


class LivenessNetworks:
    """Safe to call from several threads."""

    def __init__(self, v2: bytes, v1se: bytes, retrained: bytes, *, threads: int) -> None:
        """Raises ValueError, RuntimeError if one is not the network's file."""
        models = (minifasnet(v2), minifasnet(v1se), read(retrained))
        self._networks = [Network(model, threads=threads) for model in models]

    def log_odds(self, faces: Sequence[FaceView]) -> NDArray[np.float64]:
        """Of a person against all kinds of attack, natural logarithm, shape (n, 3)."""
        odds = np.zeros((len(faces), len(KINDS)))
        for start in range(0, len(faces), BATCH):
            batch = faces[start : start + BATCH]
            for column, (kind, network) in enumerate(zip(KINDS, self._networks, strict=True)):
                inputs = np.stack([kind.inputs(face.pixels, box_of(face)) for face in batch])
                [logits] = network.run(inputs)
                odds[start : start + BATCH, column] = _log_odds(logits, kind.live)
        return odds


def box_of(face: FaceView) -> Box:
    """In pixels of the photograph as it was decoded."""
    box, per = face.face.box, face.divisor
    return replace(box, x=box.x / per, y=box.y / per, width=box.width / per, height=box.height / per)


def _log_odds(logits: NDArray[np.float32], live: int) -> NDArray[np.float64]:
    values = logits.astype(np.float64)
    others = np.delete(values, live, axis=1)
    return np.asarray(values[:, live] - np.logaddexp.reduce(others, axis=1))
