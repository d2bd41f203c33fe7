"""BMP: the size, and whether it is run-length encoded, which is slow to decode."""

from indexer.errors import ImageTooExpensive
from indexer.vision.decoding.formats.header import Header, Truncated, unpack

MAX_RUN_LENGTH_PIXELS = 4_194_304
"""Pillow decodes run lengths in Python, and one byte may stand for thousands of pixels."""

_RUN_LENGTHS = (1, 2)


def recognises(data: bytes) -> bool:
    return data.startswith(b"BM") and len(data) >= 26


def read(data: bytes) -> Header:
    """Raises Truncated, ImageTooExpensive."""
    [header_bytes] = unpack("<I", data, 14)
    if header_bytes == 12:
        width, height = unpack("<HH", data, 18)
        return Header(format="BMP", width=width, height=height)
    width, height, _, _, compression = unpack("<iiHHI", data, 18)
    if width < 0:
        raise Truncated(f"its width is {width}")
    height = abs(height)  # negative if the rows are stored from the top down
    if compression not in _RUN_LENGTHS:
        return Header(format="BMP", width=width, height=height)
    if width * height > MAX_RUN_LENGTH_PIXELS:
        raise ImageTooExpensive(
            f"the image is run-length encoded and has {width} x {height} pixels, more than the limit of"
            f" {MAX_RUN_LENGTH_PIXELS} for such files",
            measured=width * height,
            limit=MAX_RUN_LENGTH_PIXELS,
        )
    return Header(format="BMP", width=width, height=height)
