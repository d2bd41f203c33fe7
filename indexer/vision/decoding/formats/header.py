"""What every reader of a format returns, and how to read numbers of a truncated file."""

import struct
from dataclasses import dataclass
from typing import Any


class Truncated(ValueError):
    """A header ends before it is complete, or contradicts itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a file states about its picture."""

    format: str
    """Pillow's name of it."""
    width: int
    """In pixels, as stored, before the EXIF orientation is applied. Of an animation or several pages, the
    first one's; never less than what a decoder allocates."""
    height: int
    max_reduction: int = 1
    """The largest divisor of the sides that the decoder supports."""
    linear: bool = False
    """Whether decoding takes time proportional to bytes and pixels, and nothing else."""
    size_factor: float = 1.0
    """Stored pixels may exceed the limit of decoded pixels by this factor."""

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
        raise Truncated(f"it ends at byte {len(data)}, before its size") from None
