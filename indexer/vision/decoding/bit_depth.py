"""Reduces grey or colours of more than eight bits to eight, one strip of the picture at a time."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageFile
from numpy.typing import NDArray

_BITS = (8, 10, 12, 14, 16)
"""Bit depths of sensors and scanners."""
_STRIP_PIXELS = 1 << 20
"""Converted at once: copies of a whole picture would take several times its memory."""
_OTHER_BYTE = {"RGB;16B": "RGB;16L", "RGB;16L": "RGB;16B"}
_MIN_HIGH_BYTE = 64
"""A value whose high byte is at least this has 15 or 16 bits."""


def strips(image: PIL.Image.Image) -> Iterator[PIL.Image.Image]:
    """The picture in horizontal strips, from the top."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height)))


def estimate_bits(strips: Iterable[NDArray[Any]]) -> int:
    """The bit depth of a picture whose file does not state it, from its largest value.

    A sensor of 10 bits has no value above 1,023, so that the largest value gives a lower bound. A picture of
    16 bits whose lightest pixel is darker than a quarter of white counts as 14 bits and becomes lighter: all
    values are multiplied by the same number.
    """
    largest = max((int(strip.max(initial=0)) for strip in strips), default=0)
    return next((bits for bits in _BITS if largest < 1 << bits), largest.bit_length())


def to_eight_bits(values: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """The upper eight bits of `values`, which are below 2 ** bits."""
    return np.asarray(np.clip(values >> (bits - 8), 0, 255), np.uint8)


def may_lack_low_bytes(image: PIL.Image.Image) -> bool:
    """Whether the picture is so dark that it may be 12 bits in 16: Pillow keeps the high byte of a colour."""
    if image.mode != "RGB":
        return False
    extrema: Any = image.getextrema()
    return max(int(most) for _, most in extrema) < _MIN_HIGH_BYTE


def with_low_bytes(high: PIL.Image.Image, again: PIL.ImageFile.ImageFile) -> PIL.Image.Image:
    """Combines the high bytes, `high`, with the low bytes of the same picture.

    `again`: the picture, opened and not loaded. With the other byte order Pillow decodes its low bytes.
    Returns `high` if the picture does not have 16 bits."""
    swapped = [tile._replace(args=_other_byte(tile.args)) for tile in again.tile]
    if swapped == again.tile:
        return high
    again.tile = swapped
    again.load()

    def both() -> Iterator[NDArray[np.uint16]]:
        for a, b in zip(strips(high), strips(again), strict=True):
            yield np.asarray(a).astype(np.uint16) << 8 | np.asarray(b)

    bits = estimate_bits(both())
    return PIL.Image.fromarray(np.concatenate([to_eight_bits(strip, bits) for strip in both()]))


def _other_byte(args: Any) -> Any:
    """A tile's arguments with the other byte order, if they name one."""
    if isinstance(args, str):
        return _OTHER_BYTE.get(args, args)
    return (_other_byte(args[0]), *args[1:]) if args else args
