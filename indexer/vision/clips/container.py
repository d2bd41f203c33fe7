"""Recognises the two kinds of files that clips may be. Nothing else reaches a demuxer."""

from enum import StrEnum

from indexer.errors import UnsupportedClipFormat

_BRAND_AT = 4
_EBML = b"\x1aE\xdf\xa3"
_DOCTYPE_WITHIN = 64
"""WebM names itself in the first element of the file (EBML, RFC 8794)."""
_PICTURE_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis"}
)


class Container(StrEnum):
    """By the name of the only demuxer that may read it."""

    MP4 = "mov"
    WEBM = "matroska"


def container_of(data: bytes) -> Container:
    """Raises UnsupportedClipFormat."""
    if data[_BRAND_AT : _BRAND_AT + 4] == b"ftyp" and data[8:12] not in _PICTURE_BRANDS:
        return Container.MP4
    if data.startswith(_EBML) and b"webm" in data[:_DOCTYPE_WITHIN]:
        return Container.WEBM
    raise UnsupportedClipFormat("this is neither an MP4 nor a WebM file", readable=["MP4", "WebM"])
