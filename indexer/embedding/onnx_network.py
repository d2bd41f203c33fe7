"""A custom network, run by the ONNX runtime as its card describes."""

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.card import ModelCard
from indexer.embedding.weights import locate
from indexer.errors import CardUnusable, Misconfigured
from indexer.types import Vectors

_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""The runtime's execution providers, best first."""


class OnnxEmbedder:
    def __init__(self, card: ModelCard, *, threads: int | None = None) -> None:
        """Runs the network once on a grey picture. Raises CardUnusable if the card does not match the file,
        WeightsMissing, WeightsDamaged, and Misconfigured if the ONNX runtime is not installed."""
        try:
            import onnxruntime
        except ImportError as error:
            raise Misconfigured("custom models need the ONNX runtime: pip install 'gemel[onnx]'") from error
        assert card.pixels is not None
        self.card = card
        self._bgr = card.pixels.channels == "bgr"
        self._mean = np.array(card.pixels.mean, np.float32)
        self._std = np.array(card.pixels.std, np.float32)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3
        try:
            path = str(locate(card.weights))
            available = set(onnxruntime.get_available_providers())
            self._session = onnxruntime.InferenceSession(
                path, options, [p for p in _PROVIDERS if p in available]
            )
        except Exception as error:  # the runtime raises many types
            if isinstance(error, Misconfigured):
                raise
            raise CardUnusable(f"cannot load {card.weights.name} as an ONNX file: {error}") from error
        side = card.side_px
        self._input = self._session.get_inputs()[0]
        expected = [3, side, side]
        has = list(self._input.shape)
        if len(has) != 4 or any(
            isinstance(h, int) and h != w for h, w in zip(has[1:], expected, strict=False)
        ):
            raise CardUnusable(f"{card.name} takes {has}, and its card says (n, 3, {side}, {side})")
        self._batch = has[0] if isinstance(has[0], int) else None
        grey = np.full((1, side, side, 3), 128, np.uint8)
        try:
            output = self._run(grey)
        except Exception as error:
            raise CardUnusable(
                f"{card.name} does not run on the input that its card describes: {error}"
            ) from error
        if output.shape != (1, card.dimension):
            returned = " x ".join(map(str, output.shape[1:]))
            raise CardUnusable(
                f"{card.name} returns {returned} numbers per face, and its card says {card.dimension}"
            )
        if not np.all(np.isfinite(output)):
            raise CardUnusable(f"{card.name} returns NaN or infinity for a grey picture")

    def embed(self, faces: NDArray[np.uint8]) -> Vectors:
        embeddings = self._run(faces)
        if self.card.mirror:
            embeddings = embeddings + self._run(faces[:, :, ::-1])
        lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
        return np.ascontiguousarray(embeddings / np.maximum(lengths, 1e-12), np.float32)

    def _run(self, faces: NDArray[np.uint8]) -> Vectors:
        pixels = faces[..., ::-1] if self._bgr else faces
        scaled = np.ascontiguousarray(((pixels - self._mean) / self._std).transpose(0, 3, 1, 2), np.float32)
        step = self._batch or max(1, len(scaled))
        parts = [
            self._session.run(None, {self._input.name: _padded(scaled[start : start + step], step)})[0]
            for start in range(0, len(scaled), step)
        ]
        return np.concatenate(parts)[: len(faces)]


def _padded(block: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Padded with zeros, for a network with a fixed batch size."""
    missing = size - len(block)
    return np.pad(block, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else block
