"""HEIC and AVIF: boxes of the ISO base media file format (ISO/IEC 23008-12)."""

from collections.abc import Iterator

from indexer.errors import ImageTooExpensive
from indexer.vision.decoding.formats.header import Header, Truncated, unpack

MAX_BOXES = 4_096
"""That are looked at, on all levels together. Phones store a picture of 48 megapixels as 200 tiles, and
properties for each of them."""

_AVIF = {b"avif", b"avis"}
_HEIC = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}


def recognises(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and bool(_brands(data) & (_AVIF | _HEIC))


def read(data: bytes) -> Header:
    """The largest of the file's pictures: a photograph, beside its tiles and previews.

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
    """Of one file; counts those that are looked at."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._seen = 0

    def of_kind(self, wanted: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
        """Where the contents of the boxes of one kind begin and end. Raises Truncated, ImageTooExpensive."""
        data = self._data
        end = min(end, len(data))
        while at + 8 <= end:
            self._count()
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

    def _count(self) -> None:
        self._seen += 1
        if self._seen > MAX_BOXES:
            raise ImageTooExpensive(
                f"the image has more than {MAX_BOXES} boxes", measured=MAX_BOXES + 1, limit=MAX_BOXES
            )
