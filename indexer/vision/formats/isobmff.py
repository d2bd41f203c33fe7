"""HEIC and AVIF: boxes of the ISO base media file format (ISO/IEC 23008-12)."""

from collections.abc import Iterator

from indexer.errors import ImageTooExpensive
from indexer.vision.formats.header import Header, Truncated, unpack

MAX_BOXES = 4_096
"""Of one level. Phones store a picture of 48 megapixels as 200 tiles, and properties for each of them."""

_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}


def recognises(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and bool(_brands(data) & (_AVIF | _HEIC))


def read(data: bytes) -> Header:
    """The largest of the file's pictures: a photograph, beside its tiles and previews.

    Raises Truncated, ImageTooExpensive.
    """
    avif = bool(_brands(data) & _AVIF)
    sizes = [
        unpack(">II", data, start + 4)
        for meta, meta_end in _boxes(data, 0, len(data), b"meta")
        for properties, properties_end in _boxes(data, meta + 4, meta_end, b"iprp")
        for container, container_end in _boxes(data, properties, properties_end, b"ipco")
        for start, _ in _boxes(data, container, container_end, b"ispe")
    ]
    if not sizes:
        raise Truncated("it has no size")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return Header(format="AVIF" if avif else "HEIF", width=width, height=height)


def _brands(data: bytes) -> set[bytes]:
    length = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}


def _boxes(data: bytes, at: int, end: int, wanted: bytes) -> Iterator[tuple[int, int]]:
    """Where the contents of the boxes of one kind begin and end."""
    end = min(end, len(data))
    for _ in range(MAX_BOXES):
        if at + 8 > end:
            return
        length, kind = unpack(">I4s", data, at)
        content = at + 8
        if length == 1:
            [length] = unpack(">Q", data, content)
            content += 8
        following = end if length == 0 else at + length
        if following < content:
            raise Truncated("a box is shorter than its header")
        if kind == wanted:
            yield content, min(following, end)
        at = following
    raise ImageTooExpensive(
        f"the image has more than {MAX_BOXES} boxes in one", measured=MAX_BOXES + 1, limit=MAX_BOXES
    )
