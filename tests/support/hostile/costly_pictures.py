"""Makes the files that cost an unprotected decoder gigabytes or minutes: each kind in few bytes."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import PIL.Image

from tests.support.pictures import encoded


def _photograph(width: int, height: int) -> PIL.Image.Image:
    y, x = np.mgrid[0:height, 0:width]
    return PIL.Image.fromarray(((np.sin(x / 9) + np.sin(y / 7) + 2) * 63).astype(np.uint8))


def jpeg_of_many_scans(scans: int, side: int = 2048) -> bytes:
    """A progressive JPEG whose last scan is there again and again."""
    data = encoded(_photograph(side, side), "JPEG", progressive=True, quality=30)
    last = data.rindex(b"\xff\xda")
    body = data[last:-2]
    # The last scan refines; without a bit that is set it is a few bytes and still visits every block.
    [length] = struct.unpack(">H", body[2:4])
    empty = body[: 2 + length] + b"\x00" * 16
    return data[:-2] + empty * scans + b"\xff\xd9"


def jpeg_of_many_segments(segments: int) -> bytes:
    data = encoded(_photograph(64, 64), "JPEG")
    return data[:2] + b"\xff\xfe\x00\x02" * segments + data[2:]


def jpeg_of_rubbish_between_segments(count: int) -> bytes:
    data = encoded(_photograph(64, 64), "JPEG")
    return data[:20] + b"\xff\x00" * count + data[20:]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of_many_chunks(chunks: int, kind: bytes = b"tEXt", content: bytes = b"a\0b") -> bytes:
    data = encoded(_photograph(64, 64), "PNG")
    return data[:33] + png_chunk(kind, content) * chunks + data[33:]


def png_with_a_profile(bytes_: int) -> bytes:
    """Its colour profile unpacks to so many bytes."""
    return png_of_many_chunks(1, b"iCCP", b"profile\0\0" + zlib.compress(bytes(bytes_), 9))


def exif_of_overlapping_tags(length: int) -> bytes:
    """The value of each tag is all but the beginning of it."""
    tags = (length - 14) // 12
    entries = b"".join(struct.pack("<HHII", 1_000 + n, 1, length - 8, 8) for n in range(min(tags, 60_000)))
    return (b"II*\0" + struct.pack("<IH", 8, min(tags, 65_535)) + entries).ljust(length, b"\0")


def jpeg_with_exif(exif: bytes) -> bytes:
    return encoded(_photograph(64, 64), "JPEG", exif=b"Exif\0\0" + exif)


def png_of_one_column(height: int) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, height, 8, 0, 0, 0, 0))
    pixels = zlib.compressobj(9)
    parts = [pixels.compress(bytes(2_000_000)) for _ in range(height // 1_000_000)]
    packed = b"".join([*parts, pixels.flush()])
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", packed) + png_chunk(b"IEND", b"")


def gif_with_a_frame(width: int, height: int, *, disposal: int) -> bytes:
    """The screen has one pixel, the frame that it shows has many."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    control = b"\x21\xf9\x04" + bytes([disposal << 2, 0, 0, 0, 0])
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    return screen + control + frame + b"\x3b"


def gif_of_many_comments(blocks: int) -> bytes:
    data = encoded(_photograph(64, 64), "GIF")
    at = 13 + (3 << ((data[10] & 7) + 1))
    return data[:at] + b"\x21\xfe\x01a\x00" * blocks + data[at:]


def webp_of_a_canvas(width: int, height: int) -> bytes:
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size
    animation = b"ANIM" + struct.pack("<I", 6) + bytes(6)
    frame = encoded(_photograph(16, 16), "WEBP")[12:]
    place = bytes(6) + b"\x0f\0\0\x0f\0\0" + b"\x64\0\0\0"
    frames = b"ANMF" + struct.pack("<I", len(place) + len(frame)) + place + frame
    body = b"WEBP" + canvas + animation + frames
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bmp_of_run_lengths(width: int, height: int, moves: int) -> bytes:
    """`moves` times on by 255 rows, of which each fills rows without a byte of theirs."""
    body = b"\x00\x02\x00\xff" * moves + b"\x00\x01"
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(body), 0, 0, 54 + 1024) + info + bytes(1024) + body


def pgm_of_many_comments(comments: int) -> bytes:
    return b"P5\n" + b"#\n" * comments + b"64 64\n255\n" + bytes(64 * 64)


def plain_ppm_of_many_comments(comments: int) -> bytes:
    return b"P3\n64 64\n255\n" + b"#\n" * comments + b"0 " * (64 * 64 * 3)


def tiff_of_many_tags(tags: int) -> bytes:
    """Each tag's value is the whole file."""
    size = 8 + 2 + 12 * (tags + 2) + 4
    entries = struct.pack("<HHII", 256, 3, 1, 64) + struct.pack("<HHII", 257, 3, 1, 64)
    entries += b"".join(struct.pack("<HHII", 1000 + n, 1, size, 0) for n in range(min(tags, 60_000)))
    return b"II*\0" + struct.pack("<IH", 8, tags + 2) + entries + bytes(4)


def tiff_of_large_tiles(side: int) -> bytes:
    """Sixteen pixels in a tile of `side` x `side`."""
    tags = [
        *((256, 16), (257, 16), (258, 8), (259, 1), (262, 1), (277, 1)),
        *((322, side), (323, side), (324, 8), (325, 256)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4 + 256)


def heif_of_a_size(brand: bytes, width: int, height: int) -> bytes:
    """A header that announces a size, and no picture."""

    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", 8 + len(content)) + kind + content

    size = box(b"ispe", bytes(4) + struct.pack(">II", width, height))
    properties = box(b"iprp", box(b"ipco", size))
    return box(b"ftyp", brand + bytes(4) + brand) + box(b"meta", bytes(4) + properties)


def heif_of_many_boxes(boxes: int) -> bytes:
    data = heif_of_a_size(b"heic", 64, 64)
    return data[:20] + b"\0\0\0\x08free" * boxes + data[20:]


def heif_of_nested_boxes(boxes: int) -> bytes:
    """So many boxes, and no more than 1,001 of them in one."""
    data = heif_of_a_size(b"heic", 64, 64)
    metas = (struct.pack(">I", 12 + 8_000) + b"meta" + bytes(4) + b"\0\0\0\x08iprp" * 1_000) * (
        boxes // 1_001
    )
    return data[:20] + metas + data[20:]


COSTLY: dict[str, Callable[[], bytes]] = {
    "progressive JPEG of 3,000 scans": lambda: jpeg_of_many_scans(3_000),
    "progressive JPEG of 90 scans": lambda: jpeg_of_many_scans(80, side=4096),
    "JPEG of 2,000,000 comments": lambda: jpeg_of_many_segments(2_000_000),
    "JPEG with 8 MB of rubbish between segments": lambda: jpeg_of_rubbish_between_segments(4_000_000),
    "PNG of 600,000 texts": lambda: png_of_many_chunks(600_000),
    "PNG of 600,000 empty chunks of pixels": lambda: png_of_many_chunks(600_000, b"IDAT", b""),
    "PNG with a profile of 1 GB": lambda: png_with_a_profile(1_000_000_000),
    "PNG of 1 x 49,000,000": lambda: png_of_one_column(49_000_000),
    "JPEG with EXIF of overlapping tags": lambda: jpeg_with_exif(exif_of_overlapping_tags(65_000)),
    "PNG with EXIF of overlapping tags": lambda: png_of_many_chunks(
        1, b"eXIf", exif_of_overlapping_tags(800_000)
    ),
    "PNG of packed texts": lambda: png_of_many_chunks(
        40_000, b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(60_000), 9)
    ),
    "GIF whose frame is disposed of": lambda: gif_with_a_frame(65_535, 65_535, disposal=2),
    "GIF whose frame is larger than its screen": lambda: gif_with_a_frame(65_535, 65_535, disposal=0),
    "GIF of 2,000,000 comments": lambda: gif_of_many_comments(2_000_000),
    "WebP of a large canvas": lambda: webp_of_a_canvas(65_535, 65_535),
    "BMP of run lengths": lambda: bmp_of_run_lengths(7_000, 7_000, 200),
    "small BMP of run lengths": lambda: bmp_of_run_lengths(2_000, 2_000, 2_000_000),
    "PGM of 4,000,000 comments": lambda: pgm_of_many_comments(4_000_000),
    "plain PPM of 4,000,000 comments": lambda: plain_ppm_of_many_comments(4_000_000),
    "TIFF of 60,000 tags": lambda: tiff_of_many_tags(60_000),
    "TIFF of large tiles": lambda: tiff_of_large_tiles(60_000),
    "HEIC of a large size": lambda: heif_of_a_size(b"heic", 60_000, 60_000),
    "AVIF of a large size": lambda: heif_of_a_size(b"avif", 60_000, 60_000),
    "HEIC of 1,000,000 boxes": lambda: heif_of_many_boxes(1_000_000),
    "HEIC of 1,000,000 boxes in boxes": lambda: heif_of_nested_boxes(1_000_000),
}
