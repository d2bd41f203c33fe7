"""Writes YuNet and SFace with float weights, under the names that OpenCV and deepface expect."""

from pathlib import Path

import onnx

from indexer.inference.block_quantised import dequantised
from indexer.weights.locate import locate
from indexer.weights.published import SFACE, YUNET


def write(folder: Path) -> None:
    """From the files that Gemel reads. Raises WeightsMissing, WeightsDamaged, OSError."""
    for file in (YUNET, SFACE):
        model = onnx.load_from_string(dequantised(locate(file)))
        # The published graph lists its weights among its inputs; OpenCV 5 and ONNX Runtime then ask for them.
        weights = {tensor.name for tensor in model.graph.initializer}
        inputs = [value for value in model.graph.input if value.name not in weights]
        del model.graph.input[:]
        model.graph.input.extend(inputs)
        onnx.save(model, folder / file.name.replace("_int8bq", ""))
