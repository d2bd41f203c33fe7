"""More than eight bits of grey or of a colour to eight, a strip of the picture at a time."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageFile
from numpy.typing import NDArray

_BITS = (8, 10, 12, 14, 16)
"""Of sensors and scanners."""


_STRIP_PIXELS = 1 << 20
"""What is converted at once: copies of a whole picture would take several times its memory."""
_OTHER_BYTE = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B"}
_LEAST_HIGH_BYTE = 64
"""From which on a value has 15 bits or 16."""


def strips(image: PIL.Image.Image) -> Iterator[PIL.Image.Image]:
    """From the top down."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


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


def may_lack_low_bytes(image: PIL.Image.Image) -> bool:
    """Of 16 bits of a colour Pillow keeps the high byte, which of 12 bits in 16 is almost black."""
    if image.mode != "RGB":
        return False
    extrema: Any = image.getextrema()
    return max(int(most) for _, most in extrema) < _LEAST_HIGH_BYTE


def with_low_bytes(high: PIL.Image.Image, again: PIL.ImageFile.ImageFile) -> PIL.Image.Image:
    """`again`: the same picture, opened and not loaded. Its low bytes are decoded by telling Pillow the other
    byte order; `high` is given back where it has no 16 bits."""
    swapped = [tile._replace(args=_other_byte(tile.args)) for tile in again.tile]
    if swapped == again.tile:
        return high
    again.tile = swapped
    again.load()

    def both() -> Iterator[NDArray[np.uint16]]:
        for a, b in zip(strips(high), strips(again), strict=True):
            yield np.asarray(a).astype(np.uint16) << 8 | np.asarray(b)

    bits = bits_of(both())
    return PIL.Image.fromarray(np.concatenate([eight_bits(strip, bits) for strip in both()]))


def _other_byte(args: Any) -> Any:
    """A tile's arguments with the other byte order of 16 bits, where they have one."""
    if isinstance(args, str):
        return _OTHER_BYTE.get(args, args)
    return (_other_byte(args[0]), *args[1:]) if args else args
