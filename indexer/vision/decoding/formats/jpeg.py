"""JPEG: markers and segments (ITU-T T.81, annex B); drops the segments that decoding does not need."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from indexer.errors import ImageTooExpensive, UnsupportedImageFormat
from indexer.vision.decoding.formats.header import Header, Truncated, unpack
from indexer.vision.decoding.formats.orientation import of_exif, of_xmp

_START = b"\xff\xd8\xff"
_END = b"\xff\xd9"
_SCAN = b"\xff\xda"
_RESTART_INTERVAL = b"\xff\xdd"
_MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)

MAX_BYTES_BEFORE = 65_536
"""Some cameras and mail programs write bytes before the start marker."""
MAX_BYTES_BETWEEN = 1_024
MAX_SEGMENTS = 4_096
"""Before the pixels. A profile of 16 MB takes 255 segments, the longest XMP of a photograph a few hundred."""
MAX_SCANS = 100
"""The most that `cjpeg` writes; photographs have ten."""

_SEQUENTIAL = {0xC0, 0xC1, 0xC9}
_HUFFMAN = {0xC0, 0xC1}
_PROGRESSIVE = {0xC2, 0xCA}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}
"""Lossless and hierarchical, which Pillow cannot decode."""
_TABLES = {0xC4, 0xCC, 0xDB, 0xDD}
"""Huffman, arithmetic conditioning, quantisation, restart interval."""
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8), 0xD8}
_KEPT = ((0xE0, b"JFIF\0"), (0xEE, b"Adobe"))
"""Application segments that describe the colours."""
_EXIF = b"Exif\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"

_FACTOR = 5.0
"""Stored over decoded pixels of a picture with one scan: 250 megapixels with the default limit. The largest
phone pictures have 201."""
_FACTOR_OF_SCANS = 2.0
"""With several scans all coefficients are in memory at once: up to six bytes per stored pixel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Structure:
    kept: list[tuple[int, int]]
    """Start and end of the segments that decoding needs, in order."""
    exif: bytes
    xmp: bytes
    """The first segment of each, or empty."""
    pixels_at: int
    """Position of the first scan's marker."""
    width: int
    height: int
    frame: int
    """The marker of the frame, which is its kind."""
    scans: int

    @property
    def progressive(self) -> bool:
        return self.frame in _PROGRESSIVE


def recognises(data: bytes) -> bool:
    return 0 <= data.find(_START, 0, MAX_BYTES_BEFORE + len(_START)) < len(data) - len(_START)


def read(data: bytes) -> Header:
    """Raises Truncated, ImageTooExpensive, UnsupportedImageFormat."""
    structure = _structure(data)
    several = structure.progressive or structure.scans > 1
    return Header(
        format="JPEG",
        width=structure.width,
        height=structure.height,
        linear=structure.frame in _HUFFMAN and not several,
        max_reduction=8,
        size_factor=_FACTOR_OF_SCANS if several else _FACTOR,
    )


def cleaned(data: bytes) -> bytes:
    """The same picture from its start marker on, without comments, profiles and previews.

    Raises what `read` raises.
    """
    structure = _structure(data)
    segments = [data[start:end] for start, end in structure.kept]
    return b"".join([_START[:2], *segments, data[structure.pixels_at :]])


def orientation(data: bytes) -> int | None:
    """The EXIF orientation, if the picture states one. Raises what `read` raises."""
    structure = _structure(data)
    stated = of_exif(structure.exif)
    return of_xmp(structure.xmp) if stated is None else stated


def with_end(data: bytes) -> Iterator[bytes]:
    """The picture with an end marker appended, in two or more versions with different bytes before it.

    If the file lacks only its end, all versions decode to the same pixels. If it lacks part of the picture,
    the decoder takes the bytes for pixels, and the versions differ. Yields nothing if scans are missing.
    """
    if _lacks_scans(data):
        return
    for filling in (b"\x15", b"\xa6"):
        yield data.rstrip(b"\xff") + filling * 4096 + _END
    if _RESTART_INTERVAL in data:  # a decoder that expects a restart marker ignores bytes before it
        for filling in (b"\x15", b"\xa6"):
            restarts = b"".join(filling * 62 + b"\xff" + bytes([0xD0 + n % 8]) for n in range(64))
            yield data.rstrip(b"\xff") + restarts + _END


def _structure(data: bytes) -> _Structure:
    start = data.find(_START, 0, MAX_BYTES_BEFORE + len(_START))
    if start < 0:
        raise Truncated("it has no start marker")
    at = start + 2
    kept: list[tuple[int, int]] = []
    frame: tuple[int, int, int, int] | None = None
    texts = {_EXIF: b"", _XMP: b""}
    for _ in range(MAX_SEGMENTS):
        at, marker = _next_marker(data, at)
        if marker in _WITHOUT_LENGTH:
            at += 2
            continue
        [length] = unpack(">H", data, at + 2)
        end = at + 2 + length
        if length < 2 or end > len(data) or marker == 0xD9:
            raise Truncated("it ends before its pixels")
        if marker in _OTHER_FRAMES:
            raise UnsupportedImageFormat("lossless and hierarchical JPEGs are not supported")
        if marker in _SEQUENTIAL | _PROGRESSIVE:
            if frame is not None:
                raise Truncated("it has two frames")
            _, height, width, components = unpack(">BHHB", data, at + 4)
            frame = (marker, width, height, components)
        elif marker == 0xDA:
            if frame is None:
                raise Truncated("its pixels come before its size")
            return _with_scans(data, at, kept, frame, texts)
        if marker in _TABLES | _SEQUENTIAL | _PROGRESSIVE or _is_kept(data, at, marker):
            kept.append((at, end))
        if marker == 0xE1:
            for name, text in texts.items():
                if not text and data.startswith(name, at + 4):
                    texts[name] = data[at + 4 : end]
        at = end
    raise ImageTooExpensive(
        f"the image has more than {MAX_SEGMENTS} segments before its pixels",
        measured=MAX_SEGMENTS + 1,
        limit=MAX_SEGMENTS,
    )


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    """Position and kind of the next marker. Skips a few bytes between segments, as every decoder does."""
    found = _MARKER.search(data, at, at + MAX_BYTES_BETWEEN)
    if found is None:
        raise Truncated("it ends before its pixels")
    return found.start(), data[found.start() + 1]


def _is_kept(data: bytes, at: int, marker: int) -> bool:
    return any(marker == kind and data.startswith(name, at + 4) for kind, name in _KEPT)


def _with_scans(
    data: bytes,
    at: int,
    kept: list[tuple[int, int]],
    frame: tuple[int, int, int, int],
    texts: dict[bytes, bytes],
) -> _Structure:
    marker, width, height, components = frame
    [in_scan] = unpack(">B", data, at + 4)
    scans = 1
    if marker in _PROGRESSIVE or in_scan < components:
        # In compressed data 00 or a restart marker follows each FF, so that this counts the scans, plus at
        # most a few matches within segments.
        scans = data.count(_SCAN, at)
        if scans > MAX_SCANS:
            raise ImageTooExpensive(
                f"the image is stored in {scans} scans, more than the limit of {MAX_SCANS}",
                measured=scans,
                limit=MAX_SCANS,
            )
    return _Structure(
        kept=kept,
        exif=texts[_EXIF],
        xmp=texts[_XMP],
        pixels_at=at,
        width=width,
        height=height,
        frame=marker,
        scans=scans,
    )


def _lacks_scans(data: bytes) -> bool:
    """Whether a component has no scan, or lacks the last bits of a coefficient."""
    structure = _structure(data)
    if not structure.progressive:
        return False  # the decoder says so itself
    rest: dict[int, list[int]] = {}
    at = structure.pixels_at
    while at >= 0:
        try:
            [count] = unpack(">B", data, at + 4)
            components = [unpack(">B", data, at + 5 + 2 * place)[0] for place in range(min(count, 4))]
            first, last, bits = unpack(">BBB", data, at + 5 + 2 * count)
        except Truncated:
            return True
        for component in components:
            missing = rest.setdefault(component, [16] * 64)
            missing[first : last + 1] = [bits & 15] * len(missing[first : last + 1])
        at = data.find(_SCAN, at + 2)
    return any(any(missing) for missing in rest.values())
