"""WebP: the canvas and the first frame (RFC 9649)."""

from indexer.errors import ImageTooExpensive
from indexer.vision.decoding.formats.header import Header, Truncated, unpack

MAX_CHUNKS = 1_000
"""Before the first frame."""


def recognises(data: bytes) -> bool:
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


def read(data: bytes) -> Header:
    """Raises Truncated, ImageTooExpensive."""
    at = 12
    width = height = 0
    for _ in range(MAX_CHUNKS):
        kind, length = unpack("<4sI", data, at)
        if kind in (b"VP8X", b"ANMF"):
            size_at = at + 8 + (4 if kind == b"VP8X" else 6)
            low_w, high_w, low_h, high_h = unpack("<HBHB", data, size_at)
            width = max(width, (low_w | high_w << 16) + 1)
            height = max(height, (low_h | high_h << 16) + 1)
        elif kind == b"VP8 ":
            if data[at + 11 : at + 14] != b"\x9d\x01\x2a":
                raise Truncated("it has no key frame")
            frame_width, frame_height = unpack("<HH", data, at + 14)
            width, height = max(width, frame_width & 0x3FFF), max(height, frame_height & 0x3FFF)
        elif kind == b"VP8L":
            signature, bits = unpack("<BI", data, at + 8)
            if signature != 0x2F:
                raise Truncated("it has no lossless frame")
            width, height = max(width, (bits & 0x3FFF) + 1), max(height, (bits >> 14 & 0x3FFF) + 1)
        if kind in (b"VP8 ", b"VP8L", b"ANMF"):
            return Header(format="WEBP", width=width, height=height)
        at += 8 + length + (length & 1)
    raise ImageTooExpensive(
        f"the image has more than {MAX_CHUNKS} chunks before its first frame",
        measured=MAX_CHUNKS + 1,
        limit=MAX_CHUNKS,
    )
