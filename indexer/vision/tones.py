"""More than eight bits of grey to eight."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BITS = (8, 10, 12, 14, 16)
"""Of sensors and scanners."""


def bits_of(strips: Iterable[NDArray[Any]]) -> int:
    """How many bits the values of a picture use, where the file does not say it.

    No value of a sensor of 10 bits is above 1,023, so that the largest value tells the fewest bits that
    the sensor can have. A picture of 16 bits whose lightest pixel is darker than a quarter of white is
    taken for one of 14 and comes out lighter: all values are multiplied by the same number.
    """
    largest = max((int(strip.max(initial=0)) for strip in strips), default=0)
    return next((bits for bits in _BITS if largest < 1 << bits), largest.bit_length())


def eight_bits(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Of `values` below 2 ** bits the leading eight bits."""
    return np.asarray(np.clip(values >> (bits - 8), 0, 255), np.uint8)
