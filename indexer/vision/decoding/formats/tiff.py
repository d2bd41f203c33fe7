"""TIFF: the first page's tags (TIFF 6.0, and BigTIFF)."""

from indexer.errors import ImageTooExpensive
from indexer.vision.decoding.formats.header import Header, Truncated, unpack

MAX_TAGS = 512
"""Of a page; photographs have some dozens."""

_WIDTH, _HEIGHT = 256, 257
_BYTES_OF = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BYTES_OF |= {16: 8, 17: 8, 18: 8}
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}


def recognises(data: bytes) -> bool:
    return data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"))


def read(data: bytes) -> Header:
    """Raises Truncated, ImageTooExpensive."""
    order = "<" if data.startswith(b"II") else ">"
    big = b"+" in data[:4]
    [page_at] = unpack(order + ("Q" if big else "I"), data, 8 if big else 4)
    [count] = unpack(order + ("Q" if big else "H"), data, page_at)
    if count > MAX_TAGS:
        raise ImageTooExpensive(f"the image has {count} tags", measured=count, limit=MAX_TAGS)
    entry, inline, first = ("HHQ", 8, page_at + 8) if big else ("HHI", 4, page_at + 2)
    size: dict[int, int] = {}
    total = 0
    for number in range(count):
        at = first + number * (4 + (8 if big else 4) + inline)
        tag, kind, values = unpack(order + entry, data, at)
        value_bytes = _BYTES_OF.get(kind, 1) * values
        total += value_bytes if value_bytes > inline else 0
        if tag in (_WIDTH, _HEIGHT):
            if kind not in _NUMBERS or values != 1:
                raise Truncated("the type of its size is not a number type")
            [size[tag]] = unpack(order + _NUMBERS[kind], data, at + 4 + (8 if big else 4))
    if total > 2 * len(data):
        raise Truncated(f"its tags have {total} bytes, the file {len(data)}")
    if len(size) < 2:
        raise Truncated("it has no size")
    return Header(format="TIFF", width=size[_WIDTH], height=size[_HEIGHT])
