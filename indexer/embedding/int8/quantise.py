"""Weights to int8, with one scale for each output channel, and the bias corrected for the rounding."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.int8.units import Array, Unit

LARGEST = 127
LARGEST_PAIR = 128
"""Processors with AVX2 but without VNNI multiply two neighbouring inputs, from 0 to 255, and add the products
in 16 bits: 255 * 128 is the most that fits. With larger weights their embeddings would be different."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Int8Weights:
    values: NDArray[np.int8]
    """Shape (out, in, pixels), as of `Unit.weights`."""
    scale: Array
    """Shape (out, 1, 1): weights are values * scale."""

    @property
    def as_float(self) -> Array:
        return self.values * self.scale


def quantised(weights: Array) -> Int8Weights:
    """`weights`: shape (out, in, pixels). Symmetric, rounded to the nearest value."""
    flat = np.abs(weights.reshape(len(weights), -1))
    scale = flat.max(axis=1) / LARGEST
    if weights.shape[1] > 1:  # those of depthwise convolutions are added in 32 bits
        pairs = flat[:, 0::2] + flat[:, 1::2]
        scale = np.maximum(scale, pairs.max(axis=1) / (LARGEST_PAIR - 1))  # each may be rounded up by 1/2
    scale = np.maximum(scale, np.finfo(np.float32).tiny)[:, None, None].astype(np.float32)
    return Int8Weights(values=np.rint(weights / scale).astype(np.int8), scale=scale)


def corrected_bias(unit: Unit, weights: Int8Weights, mean: Array) -> Array:
    """The bias with which the unit's mean output is what it was before rounding.

    `mean`: of each input channel, shape (in,). At the border, where padding takes part, the output is a
    little off. Source: Nagel et al. 2019, section 4.2.
    """
    error = (weights.as_float - unit.weights).sum(axis=2)
    bias: Array = unit.bias - (error[:, 0] * mean if unit.depthwise else error @ mean)
    return bias
