"""HEIC and AVIF: boxes of the ISO base media file format (ISO/IEC 23008-12)."""

from collections.abc import Iterator

from indexer.errors import ImageTooExpensive
from indexer.vision.decoding.formats.header import Header, Truncated, unpack

MAX_BOXES = 4_096
"""Read at most, on all levels together. Phones store a picture of 48 megapixels as 200 tiles, with properties
for each."""

_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}


def recognises(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and bool(_brands(data) & (_AVIF | _HEIC))


def read(data: bytes) -> Header:
    """The largest picture in the file, which also has tiles and previews.

    Raises Truncated, ImageTooExpensive.
    """
    avif = bool(_brands(data) & _AVIF)
    boxes = _Boxes(data)
    sizes = [
        unpack(">II", data, start + 4)
        for meta, meta_end in boxes.of_kind(b"meta", 0, len(data))
        for properties, properties_end in boxes.of_kind(b"iprp", meta + 4, meta_end)
        for container, container_end in boxes.of_kind(b"ipco", properties, properties_end)
        for start, _ in boxes.of_kind(b"ispe", container, container_end)
    ]
    if not sizes:
        raise Truncated("it has no size")
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return Header(format="AVIF" if avif else "HEIF", width=width, height=height)


def _brands(data: bytes) -> set[bytes]:
    length = min(int.from_bytes(data[:4], "big"), 256)
    return {data[8:12], *(data[at : at + 4] for at in range(16, length, 4))}


class _Boxes:
    """The boxes of one file; counts those that were read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._count = 0

    def of_kind(self, kind: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
        """Start and end of the contents of each box of one kind. Raises Truncated, ImageTooExpensive."""
        data = self._data
        end = min(end, len(data))
        while at + 8 <= end:
            self._count_box()
            length, box_kind = unpack(">I4s", data, at)
            content = at + 8
            if length == 1:
                [length] = unpack(">Q", data, content)
                content += 8
            following = end if length == 0 else at + length
            if following < content:
                raise Truncated("a box is shorter than its header")
            if box_kind == kind:
                yield content, min(following, end)
            at = following

    def _count_box(self) -> None:
        self._count += 1
        if self._count > MAX_BOXES:
            raise ImageTooExpensive(
                f"the image has more than {MAX_BOXES} boxes", measured=MAX_BOXES + 1, limit=MAX_BOXES
            )
