"""GIF: the screen and the first frame, whichever is larger."""

from indexer.errors import ImageTooExpensive
from indexer.vision.decoding.formats.header import Header, Truncated, unpack

MAX_BLOCKS = 20_000
"""Before the first frame, of at most 255 bytes each: 5 MB of comments and metadata."""


def recognises(data: bytes) -> bool:
    return data.startswith((b"GIF87a", b"GIF89a"))


def read(data: bytes) -> Header:
    """Raises Truncated, ImageTooExpensive."""
    screen_width, screen_height, flags = unpack("<HHB", data, 6)
    at = 13 + _palette_bytes(flags)
    blocks = 0
    while blocks < MAX_BLOCKS:
        [kind] = unpack("B", data, at)
        if kind == 0x2C:
            left, top, width, height = unpack("<HHHH", data, at + 1)
            return Header(
                format="GIF",
                width=max(screen_width, left + width),
                height=max(screen_height, top + height),
            )
        if kind == 0x21:  # an extension: blocks that begin with their length
            at += 2
            while blocks < MAX_BLOCKS:
                [length] = unpack("B", data, at)
                at += 1 + length
                blocks += 1
                if length == 0:
                    break
        elif kind == 0x3B:
            raise Truncated("it has no frame")
        else:  # decoders skip unknown blocks
            at += 1
            blocks += 1
    raise ImageTooExpensive(
        f"the image has more than {MAX_BLOCKS} blocks before its first frame",
        measured=MAX_BLOCKS + 1,
        limit=MAX_BLOCKS,
    )


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
