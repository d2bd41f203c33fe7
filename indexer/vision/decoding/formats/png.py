"""PNG: chunks (ISO/IEC 15948); drops the chunks that decoding does not need."""

import zlib
from collections.abc import Iterator

from indexer.errors import ImageTooExpensive, UnreadableImage
from indexer.vision.decoding.formats.header import Header, unpack
from indexer.vision.decoding.formats.orientation import of_exif, of_xmp

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_CHUNKS = 50_000
"""400 MB of pixels in chunks of 8,192 bytes, which most encoders write."""

_MAX_TEXTS = 64
_MAX_TEXT_BYTES = 65_536
"""Of each text; only the first `_MAX_TEXTS` are searched for the orientation."""


def recognises(data: bytes) -> bool:
    return data.startswith(_SIGNATURE) and data[12:16] == b"IHDR"


def read(data: bytes) -> Header:
    """Raises Truncated."""
    width, height, bits, _, _, _, interlaced = unpack(">IIBBBBB", data, len(_SIGNATURE) + 8)
    return Header(format="PNG", width=width, height=height, linear=bits <= 8 and not interlaced)


def cleaned(data: bytes) -> bytes:
    """The same picture with its pixels in one chunk, without texts, profiles and further frames.

    The checksums of dropped chunks are not verified. Raises Truncated, ImageTooExpensive,
    UnreadableImage.
    """
    parts = [_SIGNATURE]
    pixels: list[bytes] = []
    for kind, start, end in _chunks(data):
        if kind == b"IDAT":
            pixels.append(data[start:end])
        elif kind in (b"IHDR", b"PLTE"):
            if data[end : end + 4] != _checksum(kind, data[start:end]):
                raise UnreadableImage(f"the image is damaged: the checksum of its {kind.decode()} is wrong")
            parts.append(_chunk(kind, data[start:end]))
        elif kind == b"tRNS":
            parts.append(_chunk(kind, data[start:end]))
    return b"".join([*parts, _chunk(b"IDAT", b"".join(pixels)), _chunk(b"IEND", b"")])


def orientation(data: bytes) -> int | None:
    """The EXIF orientation, if the picture states one, in its own chunk or in a text.

    Raises Truncated, ImageTooExpensive.
    """
    texts = 0
    for kind, start, end in _chunks(data):
        stated = None
        if kind == b"eXIf":
            stated = of_exif(data[start : min(end, start + _MAX_TEXT_BYTES)])
        elif kind in (b"iTXt", b"tEXt", b"zTXt"):
            stated = _in_text(kind, data[start : min(end, start + _MAX_TEXT_BYTES)])
            texts += 1
        if stated is not None or texts == _MAX_TEXTS:
            return stated
    return None


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the contents of each chunk."""
    at = len(_SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(data):
            return  # the last chunk is missing: the decoder reports missing pixels
        length, kind = unpack(">I4s", data, at)
        if kind == b"IEND":
            return
        yield kind, at + 8, min(at + 8 + length, len(data))
        at += 12 + length
    raise ImageTooExpensive(
        f"the image has more than {MAX_CHUNKS} chunks", measured=MAX_CHUNKS + 1, limit=MAX_CHUNKS
    )


def _in_text(kind: bytes, content: bytes) -> int | None:
    """From XMP, or from EXIF as ImageMagick writes it: hexadecimal digits, maybe compressed."""
    if kind == b"iTXt" and content.startswith(b"XML:com.adobe.xmp\0"):
        return of_xmp(content)
    if not content.startswith(b"Raw profile type exif\0"):
        return None
    text = content[22:]
    if kind == b"zTXt":
        try:
            text = zlib.decompressobj().decompress(text[1:], _MAX_TEXT_BYTES)
        except zlib.error:
            return None
    digits = b"".join(text.split()[2:])  # after a name and a length
    try:
        return of_exif(bytes.fromhex(digits[: len(digits) // 2 * 2].decode()))
    except ValueError:
        return None


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + _checksum(kind, content)


def _checksum(kind: bytes, content: bytes) -> bytes:
    return zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, "big")
