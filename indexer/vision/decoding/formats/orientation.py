"""The orientation of a picture from EXIF or XMP. No other tag is read.

Pillow would read all tags and their values: hostile EXIF has 65,535, each as long as the file.
"""

import re

from indexer.vision.decoding.formats.header import Truncated, unpack

MAX_TAGS = 512
"""Read at most; photographs have some dozens."""

_ORIENTATION = 0x0112
_SHORT = 3
_XMP = re.compile(rb"tiff:Orientation(?:=[\"']|>)([1-8])")


def of_exif(data: bytes) -> int | None:
    """`data`: begins with TIFF's byte order, or with `Exif` before it. None if there is no orientation."""
    start = 6 if data.startswith(b"Exif\0") else 0
    order = {b"II": "<", b"MM": ">"}.get(data[start : start + 2])
    if order is None:
        return None
    try:
        [directory_at] = unpack(order + "I", data, start + 4)
        [count] = unpack(order + "H", data, start + directory_at)
        for number in range(min(count, MAX_TAGS)):
            tag, kind, _, value = unpack(order + "HHIH", data, start + directory_at + 2 + 12 * number)
            if tag == _ORIENTATION:
                return int(value) if kind == _SHORT else None
    except Truncated:  # damaged EXIF: the picture stays as it is stored
        pass
    return None


def of_xmp(data: bytes) -> int | None:
    found = _XMP.search(data)
    return None if found is None else int(found[1])
