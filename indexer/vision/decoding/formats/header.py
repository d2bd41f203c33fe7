"""The answer of every format's reader, and the reading of numbers that may be cut off."""

import struct
from dataclasses import dataclass
from typing import Any


class Truncated(ValueError):
    """A header ends before it is complete, or contradicts itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of a picture before it is decoded."""

    format: str
    """As Pillow names it."""
    width: int
    """In pixels, as they are stored: before EXIF turns the picture. Of animations and pages the first,
    and no less than anything that a decoder allocates for it."""
    height: int
    max_reduction: int = 1
    """The largest divisor of the sides at which it can be decoded."""
    linear: bool = False
    """Whether each byte and each pixel is visited once, by decoders that are bounded in nothing else."""
    size_factor: float = 1.0
    """How many times the limit of decoded pixels the stored ones may be."""

    @property
    def harmless(self) -> bool:
        """Whether the header alone proves that decoding takes no more than a fraction of a second."""
        return self.linear and self.width * self.height <= _HARMLESS_PIXELS


_HARMLESS_PIXELS = 25_000_000


def unpack(layout: str, data: bytes, at: int) -> tuple[Any, ...]:
    """`struct.unpack_from`. Raises Truncated."""
    try:
        return struct.unpack_from(layout, data, at)
    except (struct.error, OverflowError):
        raise Truncated(f"it ends at byte {len(data)}, before its size is known") from None
