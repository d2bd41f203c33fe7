"""Reads ONNX files whose weights are block-quantised: int8 with a scale and a zero point for each block.

OpenCV Zoo publishes its networks so. OpenVINO does not read all of their tensors.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper


def read_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    """All weights by name; (q - zero_point) * scale, block by block along `axis` (ONNX opset 21)."""
    return _arrays(onnx.load(str(path)).graph)


def dequantised(file: Path | bytes) -> bytes:
    """The same network as an ONNX file with float32 weights."""
    model = onnx.load_from_string(file) if isinstance(file, bytes) else onnx.load(str(file))
    graph = model.graph
    arrays = _arrays(graph)
    float_name = {
        node.output[0]: _float_name(node) for node in graph.node if node.op_type == "DequantizeLinear"
    }
    nodes = [node for node in graph.node if node.op_type != "DequantizeLinear"]
    for node in nodes:
        node.input[:] = [float_name.get(name, name) for name in node.input]
    used = {name for node in nodes for name in node.input}
    stored = {tensor.name: tensor for tensor in graph.initializer}
    initializers = [
        numpy_helper.from_array(arrays[name], name) if name in arrays else stored[name]
        for name in sorted(used & (arrays.keys() | stored.keys()))
    ]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(initializers)
    return bytes(model.SerializeToString())


def _arrays(graph: onnx.GraphProto) -> dict[str, NDArray[np.float32]]:
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    arrays = {name: array for name, array in stored.items() if array.dtype == np.float32}
    for node in graph.node:
        if node.op_type != "DequantizeLinear":
            continue
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        axis, block = attributes["axis"], attributes["block_size"]
        quantised, scale, zero_point = (stored[name] for name in node.input)
        length = quantised.shape[axis]
        scale, zero_point = (
            np.take(np.repeat(part.astype(np.float32), block, axis=axis), range(length), axis=axis)
            for part in (scale, zero_point)
        )
        arrays[_float_name(node)] = (quantised.astype(np.float32) - zero_point) * scale
    return arrays


def _float_name(node: onnx.NodeProto) -> str:
    """The name of the weights before they were quantised."""
    return str(node.input[0]).removesuffix("_quantized")
