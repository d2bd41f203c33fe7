"""SFace as an OpenVINO graph, in float32 or with int8 arithmetic.

OpenVINO computes a layer in int8 if its weights are int8 constants with a scale, and its input passes a
FakeQuantize operation. The first layer stays in float32: it takes 2 % of the work, and is the most sensitive.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import openvino
from openvino import opset13 as ops

from indexer.embedding.int8 import activations, units
from indexer.embedding.int8.activations import Activations
from indexer.embedding.int8.quantise import corrected_bias, quantised
from indexer.embedding.int8.units import Array, Unit

LEVELS = 256


def int8_sface() -> openvino.Model:
    """Takes faces of shape (n, 3, 112, 112), float32, RGB, 0 to 255; returns (n, 128), of any length.

    Raises WeightsMissing, WeightsDamaged.
    """
    figures = activations.read()
    divisors = {name: one.scale for name, one in figures.items()}
    return build(units.rescaled(units.read(), divisors), figures)


def build(
    layers: Sequence[Unit], figures: Mapping[str, Activations], *, inputs_too: bool = False
) -> openvino.Model:
    """`layers`: already rescaled by `figures`, which has the layers that become int8.
    `inputs_too`: whether the input of each layer is an output, too, behind the embedding."""
    faces = ops.parameter([-1, 3, 112, 112], np.float32, name="faces")
    x = ops.multiply(ops.subtract(faces, _constant(127.5)), _constant(1 / 128))
    inputs = []
    for unit in layers:
        inputs.append(x)
        bias, figure = unit.bias, figures.get(unit.name)
        if figure is None:
            weights = _constant(_shaped(unit, unit.weights))
        else:
            x = _fake_quantize(x, figure)
            values = quantised(unit.weights)
            bias = corrected_bias(unit, values, figure.mean / figure.scale)
            weights = ops.multiply(
                ops.convert(ops.constant(_shaped(unit, values.values)), np.float32),
                _constant(_shaped(unit, values.scale)),
            )
        x = _layer(unit, x, weights, bias)
    return openvino.Model([x, *(inputs if inputs_too else [])], [faces], "sface")


def _layer(unit: Unit, x: openvino.Node, weights: openvino.Node, bias: Array) -> openvino.Node:
    if unit.slopes is None:
        flat = ops.reshape(x, ops.constant(np.array([0, -1], np.int64)), special_zero=True)
        return ops.add(ops.matmul(flat, weights, False, True), _constant(bias[None]))
    padding = [1, 1] if unit.weights.shape[2] == 9 else [0, 0]
    convolve = ops.group_convolution if unit.depthwise else ops.convolution
    convolved = convolve(x, weights, [unit.stride] * 2, padding, padding, [1, 1])
    return ops.prelu(ops.add(convolved, _constant(bias[None, :, None, None])), _constant(unit.slopes))


def _shaped(unit: Unit, weights: np.ndarray) -> np.ndarray:
    """`weights` (out, in, pixels), or their scale (out, 1, 1), in the shape that the operation takes."""
    out, channels, pixels = weights.shape
    if unit.slopes is None:
        return weights.reshape(out, -1)
    side = round(pixels**0.5)
    return weights.reshape(out, *([1] if unit.depthwise else []), channels, side, side)


def _fake_quantize(x: openvino.Node, figure: Activations) -> openvino.Node:
    """256 levels, one of which is zero: the padding of a convolution must be exact."""
    step = (figure.high - figure.low) / (LEVELS - 1)
    zero_point = round(-figure.low / step)
    low, high = _constant(-zero_point * step), _constant((LEVELS - 1 - zero_point) * step)
    return ops.fake_quantize(x, low, high, low, high, LEVELS)


def _constant(value: np.ndarray | float) -> openvino.Node:
    return ops.constant(np.asarray(value, np.float32))
