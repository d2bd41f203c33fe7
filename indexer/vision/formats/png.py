"""PNG: chunks (ISO/IEC 15948), without what the pixels do not need."""

import zlib

from indexer.errors import ImageTooExpensive, UnreadableImage
from indexer.vision.formats.header import Header, unpack

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_CHUNKS = 50_000
"""With 8,192 bytes in each, as most encoders write them, 400 MB of pixels."""

_MAX_TEXT_BYTES = 65_536
_ORIENTATION_TEXTS = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0")
"""Texts in which a picture's orientation may stand besides the chunk `eXIf`."""


def recognises(data: bytes) -> bool:
    return data.startswith(_SIGNATURE) and data[12:16] == b"IHDR"


def read(data: bytes) -> Header:
    """Raises Truncated."""
    width, height, bits, _, _, _, interlaced = unpack(">IIBBBBB", data, len(_SIGNATURE) + 8)
    return Header(format="PNG", width=width, height=height, linear=bits <= 8 and not interlaced)


def cleaned(data: bytes) -> bytes:
    """The same picture with its pixels in one chunk, without texts, profiles and an animation's frames.

    Checksums of the chunks that are left out do not matter. Raises Truncated, ImageTooExpensive,
    UnreadableImage.
    """
    parts = [_SIGNATURE]
    pixels: list[bytes] = []
    at = len(_SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            break  # without its last chunk: whether all pixels are there the decoder will say
        length, kind = unpack(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        if kind == b"IEND":
            break
        if kind == b"IDAT":
            pixels.append(content)
        elif kind in (b"IHDR", b"PLTE"):
            if data[at + 8 + length : at + 12 + length] != _checksum(kind, content):
                raise UnreadableImage(f"the image is damaged: the checksum of its {kind.decode()} is wrong")
            parts.append(_chunk(kind, content))
        elif kind in (b"tRNS", b"eXIf") or _tells_orientation(kind, content):
            parts.append(_chunk(kind, content))
        at += 12 + length
    else:
        raise ImageTooExpensive(
            f"the image has more than {MAX_CHUNKS} chunks", measured=MAX_CHUNKS + 1, limit=MAX_CHUNKS
        )
    return b"".join([*parts, _chunk(b"IDAT", b"".join(pixels)), _chunk(b"IEND", b"")])


def _tells_orientation(kind: bytes, content: bytes) -> bool:
    return (
        kind in (b"iTXt", b"zTXt", b"tEXt")
        and len(content) <= _MAX_TEXT_BYTES
        and content.startswith(_ORIENTATION_TEXTS)
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + _checksum(kind, content)


def _checksum(kind: bytes, content: bytes) -> bytes:
    return zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, "big")
