"""SFace's layers as arrays, with their batch normalisations folded in. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.inference.block_quantised import read_arrays
from indexer.weights.locate import locate
from indexer.weights.published import SFACE

Array: TypeAlias = NDArray[np.float32]

BLOCKS = 13
_HALVING = {3, 5, 7, 13}
"""The blocks, as the file numbers them, whose depthwise convolution has stride 2."""
_UNIT_EPSILON = 1e-3
_EPSILON = 2e-5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unit:
    """A convolution with its PReLU, or the fully connected layer at the end."""

    name: str
    weights: Array
    """Shape (out, in, pixels); (out, 1, pixels) for a depthwise convolution."""
    bias: Array
    """Shape (out,)."""
    slopes: Array | None
    """Of the PReLU, shape (out,); None for the fully connected layer."""
    stride: int = 1

    @property
    def depthwise(self) -> bool:
        return bool(self.weights.shape[1] == 1)


def read() -> list[Unit]:
    """From the input on: a convolution, 13 pairs of a depthwise and a 1x1 convolution, a fully connected
    layer. Raises WeightsMissing, WeightsDamaged."""
    arrays = read_arrays(locate(SFACE))
    names = ["conv_1"]
    for number in range(2, BLOCKS + 2):
        names += [f"conv_{number}_dw", f"conv_{number}"]
    return [*(_convolution(arrays, name) for name in names), _fully_connected(arrays)]


def rescaled(units: list[Unit], divisors: Mapping[str, Array]) -> list[Unit]:
    """The same function, with the input of each unit divided by `divisors`, shape (in,), all positive.

    A PReLU has f(x / s) = f(x) / s, so that the layer before can divide and the layer behind multiply
    (Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction").
    """
    inputs = []
    for unit in units:
        scale = divisors.get(unit.name, np.ones(1, np.float32))
        by_input = scale[:, None, None] if unit.depthwise else scale[None, :, None]
        inputs.append(replace(unit, weights=unit.weights * by_input))
    outputs = []
    for unit, behind in pairwise(inputs):
        scale = divisors.get(behind.name, np.ones(1, np.float32))
        outputs.append(replace(unit, weights=unit.weights / scale[:, None, None], bias=unit.bias / scale))
    return [*outputs, inputs[-1]]


def _convolution(arrays: Mapping[str, Array], name: str) -> Unit:
    factor, shift = _folded(arrays, f"{name}_batchnorm", _UNIT_EPSILON)
    weights = arrays[f"{name}_conv2d_weight"]
    pixels = 1 if name != "conv_1" and not name.endswith("_dw") else 9
    return Unit(
        name=name,
        weights=weights.reshape(len(factor), -1, pixels) * factor[:, None, None],
        bias=shift,
        slopes=arrays[f"{name}_relu_gamma"].ravel(),
        stride=2 if name.endswith("_dw") and int(name.split("_")[1]) in _HALVING else 1,
    )


def _fully_connected(arrays: Mapping[str, Array]) -> Unit:
    """With the normalisations before and behind it."""
    before, before_shift = _folded(arrays, "bn1", _EPSILON)
    behind, behind_shift = _folded(arrays, "fc1", _EPSILON)
    weights = arrays["pre_fc1_weight"].reshape(len(behind), len(before), -1)
    bias = arrays["pre_fc1_bias"] + weights.sum(axis=2) @ before_shift
    return Unit(
        name="pre_fc1",
        weights=weights * before[None, :, None] * behind[:, None, None],
        bias=bias * behind + behind_shift,
        slopes=None,
    )


def _folded(arrays: Mapping[str, Array], name: str, epsilon: float) -> tuple[Array, Array]:
    """Batch normalisation as y = factor x + shift."""
    gamma, beta, mean, variance = (
        arrays[f"{name}_{part}"] for part in ("gamma", "beta", "moving_mean", "moving_var")
    )
    factor = gamma / np.sqrt(variance + np.float32(epsilon))
    return factor, beta - mean * factor
