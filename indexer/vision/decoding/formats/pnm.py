"""PBM, PGM and PPM: the header, and the pixels, plain or binary, scaled by the declared maximum.

Pillow decodes most of these in Python, one value at a time, with any number of comments.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.errors import ImageTooExpensive, UnreadableImage, UnsupportedImageFormat
from indexer.types import Image
from indexer.vision.decoding.formats.header import Header, Truncated

MAX_HEADER_BYTES = 65_536
"""Including comments."""

MAX_COMMENTS = 10_000
"""Among plain pixels."""

_BLANK = b" \t\n\r\x0b\x0c"
_TOKEN = re.compile(rb"(?:[ \t\n\r\x0b\x0c]|#[^\n\r]*[\n\r])*([^# \t\n\r\x0b\x0c]+)")
_COMMENT = re.compile(rb"#[^\n\r]*")
_MAX_DIGITS = 10
_BATCH_VALUES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Head:
    kind: int
    """1 to 6, as in P1 to P6."""
    width: int
    height: int
    maximum: int
    pixels_at: int

    @property
    def channels(self) -> int:
        return 3 if self.kind in (3, 6) else 1


def recognises(data: bytes) -> bool:
    return data[:1] == b"P" and data[1:2] in b"123456f" and len(data) > 2 and data[2:3] in _BLANK + b"#"


def read(data: bytes) -> Header:
    """Raises Truncated, UnsupportedImageFormat."""
    head = _head(data)
    copied = head.kind in (5, 6) and head.maximum == 255  # as they are
    return Header(format="PPM", width=head.width, height=head.height, linear=copied)


def decode(data: bytes) -> Image:
    """Shape (height, width, 3). Raises UnreadableImage, ImageTooExpensive, and what `read` does."""
    head = _head(data)
    count = head.width * head.height * head.channels
    if head.kind in (1, 4):
        grey = _bits(head, data)
        values = np.where(grey, np.uint8(0), np.uint8(255))
    else:
        numbers = _plain(data, head.pixels_at) if head.kind < 4 else _binary(head, data, count)
        values = _scaled(_first(numbers, count), head.maximum)
    shaped = values.reshape(head.height, head.width, head.channels)
    return np.ascontiguousarray(np.broadcast_to(shaped, (head.height, head.width, 3)))


def _head(data: bytes) -> _Head:
    if data[1:2] == b"f":
        raise UnsupportedImageFormat("floating-point pixels, whose range is unknown, are not supported")
    kind = data[1] - ord("0")
    numbers: list[int] = []
    at = 2
    for _ in range(2 if kind in (1, 4) else 3):
        found = _TOKEN.match(data, at, MAX_HEADER_BYTES)
        if found is None or not found[1].isdigit() or len(found[1]) > _MAX_DIGITS:
            raise Truncated("it has no size")
        numbers.append(int(found[1]))
        at = found.end()
    width, height, maximum = numbers if len(numbers) == 3 else (*numbers, 1)
    if not 1 <= maximum <= 65_535:
        raise Truncated(f"its largest value is {maximum}")
    return _Head(kind=kind, width=width, height=height, maximum=maximum, pixels_at=at + 1)


def _bits(head: _Head, data: bytes) -> NDArray[np.bool_]:
    """True for black pixels."""
    if head.kind == 1:
        body = np.frombuffer(_without_comments(data, head.pixels_at), np.uint8)
        digits = body[(body == ord("0")) | (body == ord("1"))]
        return np.asarray(_first(digits, head.width * head.height) == ord("1"))
    row_bytes = -(-head.width // 8)
    packed = _first(np.frombuffer(data, np.uint8, offset=head.pixels_at), row_bytes * head.height)
    rows = np.unpackbits(packed.reshape(head.height, row_bytes), axis=1, count=head.width)
    return np.asarray(rows.ravel(), np.bool_)


def _without_comments(data: bytes, at: int) -> bytes:
    comments = data.count(b"#", at)
    if comments > MAX_COMMENTS:
        raise ImageTooExpensive(
            f"the image has {comments} comments, more than the limit of {MAX_COMMENTS}",
            measured=comments,
            limit=MAX_COMMENTS,
        )
    return _COMMENT.sub(b"", data[at:]) if comments else data[at:]


def _plain(data: bytes, at: int) -> NDArray[np.int64]:
    text = _without_comments(data, at)
    if text.translate(None, b"0123456789" + _BLANK):
        raise UnreadableImage("the image is damaged: its pixels are not numbers")
    if not text.strip():
        return np.empty(0, np.int64)
    return np.fromstring(text, np.int64, sep=" ")


def _binary(head: _Head, data: bytes, count: int) -> NDArray[Any]:
    dtype = np.dtype(np.uint8 if head.maximum < 256 else ">u2")
    there = max(0, len(data) - head.pixels_at) // dtype.itemsize
    return np.frombuffer(data, dtype, count=min(count, there), offset=min(head.pixels_at, len(data)))


def _first(values: NDArray[Any], count: int) -> NDArray[Any]:
    if len(values) < count:
        raise UnreadableImage(f"the image is truncated: it has {len(values)} of {count} values")
    return values[:count]


def _scaled(values: NDArray[Any], maximum: int) -> NDArray[np.uint8]:
    if maximum == 255 and values.dtype == np.uint8:
        return np.asarray(values, np.uint8)
    levels = np.arange(65_536, dtype=np.uint32).clip(max=maximum)
    table = ((levels * 255 + maximum // 2) // maximum).astype(np.uint8)
    scaled = np.empty(len(values), np.uint8)
    for start in range(0, len(values), _BATCH_VALUES):  # NumPy needs an index of 8 bytes per value
        part = values[start : start + _BATCH_VALUES]
        scaled[start : start + _BATCH_VALUES] = table[np.clip(part, 0, 65_535)]
    return scaled
