"""Small valid pictures of every format, and random damage to them; a seed always gives the same files."""

import random
import struct
import zlib
from collections.abc import Callable

import numpy as np
import PIL.Image
import pillow_heif

from tests.support.hostile import costly_pictures
from tests.support.pictures import encoded

pillow_heif.register_heif_opener()  # to write test pictures

_EDGES = [0, 1, 2, 3, 127, 128, 254, 255, 256, 32_767, 32_768, 65_535, 65_536]
_EDGES += [2**24 - 1, 2**31 - 1, 2**31, 2**32 - 1]


def seeds() -> dict[str, bytes]:
    """Pictures by kind: each supported format, and variants that take other paths through a decoder."""
    y, x = np.mgrid[0:48, 0:64]
    colour = PIL.Image.fromarray(np.dstack([x * 4, y * 5, (x + y) * 2]).astype(np.uint8))
    grey = colour.convert("L")
    deep = PIL.Image.fromarray((x * y * 20).astype(np.uint16))
    red, blue = (PIL.Image.new("RGB", colour.size, name) for name in ("red", "blue"))
    animation = {"save_all": True, "append_images": [red, blue], "duration": 50}
    clear = colour.convert("RGBA")
    clear.putalpha(grey)
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    return {
        "JPEG": encoded(colour, "JPEG", quality=85),
        "JPEG progressive": encoded(colour, "JPEG", progressive=True, optimize=True),
        "JPEG grey with EXIF": encoded(grey, "JPEG", exif=exif, comment=b"a comment", dpi=(72, 72)),
        "JPEG with restarts": encoded(colour, "JPEG", restart_marker_blocks=2),
        "JPEG CMYK": encoded(colour.convert("CMYK"), "JPEG"),
        "PNG": encoded(colour, "PNG"),
        "PNG interlaced grey": _interlaced(grey),
        "PNG palette": encoded(colour.quantize(32), "PNG", transparency=3),
        "PNG 16 bits": encoded(deep, "PNG"),
        "PNG with alpha and EXIF": encoded(clear, "PNG", exif=exif),
        "PNG animated": encoded(colour, "PNG", **animation),
        "GIF": encoded(colour, "GIF"),
        "GIF animated": encoded(colour, "GIF", disposal=2, **animation),
        "WebP": encoded(colour, "WEBP", quality=80),
        "WebP lossless with alpha": encoded(clear, "WEBP", lossless=True, exif=exif),
        "WebP animated": encoded(colour, "WEBP", **animation),
        "BMP": encoded(colour, "BMP"),
        "BMP run lengths": costly_pictures.bmp_of_run_lengths(64, 48, 3),
        "TIFF": encoded(colour, "TIFF"),
        "TIFF LZW": encoded(colour, "TIFF", compression="tiff_lzw"),
        "TIFF deflate": encoded(clear, "TIFF", compression="tiff_adobe_deflate"),
        "TIFF JPEG": encoded(colour, "TIFF", compression="jpeg"),
        "TIFF packbits 16 bits": encoded(deep, "TIFF", compression="packbits"),
        "TIFF of pages": encoded(colour, "TIFF", save_all=True, append_images=[red]),
        "PPM": encoded(colour, "PPM"),
        "PGM 12 bits": b"P5\n# deep\n64 48\n4095\n" + (x * y).astype(">u2").tobytes(),
        "PPM plain": b"P3 8 4 255\n" + b" ".join(str(n % 256).encode() for n in range(96)),
        "PBM": b"P4\n64 48\n" + bytes(range(256)) + bytes(128),
        "HEIC": encoded(colour, "HEIF", quality=60, exif=exif.tobytes()),
        "HEIC of tiles": encoded(colour.resize((256, 192)), "HEIF", quality=40, tile_size=64),
        "AVIF": encoded(colour, "AVIF", quality=60),
        "AVIF with alpha": encoded(clear, "AVIF", quality=60, exif=exif.tobytes()),
    }


def _interlaced(grey: PIL.Image.Image) -> bytes:
    """Adam7, which Pillow cannot write."""
    pixels = np.asarray(grey)
    passes = (
        (0, 0, 8, 8),
        (0, 4, 8, 8),
        (4, 0, 8, 4),
        (0, 2, 4, 4),
        (2, 0, 4, 2),
        (0, 1, 2, 2),
        (1, 0, 2, 1),
    )
    rows = b"".join(
        b"\0" + row.tobytes()
        for top, left, down, right in passes
        for row in np.ascontiguousarray(pixels[top::down, left::right])
    )
    header = struct.pack(">IIBBBBB", grey.width, grey.height, 8, 0, 0, 0, 1)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(costly_pictures.png_chunk(*part) for part in parts)


class Mutator:
    """Makes damaged files."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._pictures = list(seeds().values())
        self._ways: list[Callable[[bytearray], bytearray]] = [
            self._flip_bits,
            self._overwrite,
            self._set_field,
            self._set_field,
            self._cut_off,
            self._cut_out,
            self._repeat,
            self._repeat_often,
            self._splice,
        ]

    def next(self) -> bytes:
        data = bytearray(self._random.choice(self._pictures))
        for _ in range(self._random.choice((1, 1, 1, 2, 3, 6))):
            data = self._random.choice(self._ways)(data)
            if not data:
                break
        if self._random.random() < 0.5:
            data = _with_checksums(data)
        return bytes(data)

    def _at(self, data: bytearray) -> int:
        """More often in the headers than in the pixels."""
        most = len(data) if self._random.random() < 0.4 else min(len(data), 200)
        return self._random.randrange(max(1, most))

    def _flip_bits(self, data: bytearray) -> bytearray:
        for _ in range(self._random.choice((1, 2, 8, 40))):
            data[self._at(data)] ^= 1 << self._random.randrange(8)
        return data

    def _overwrite(self, data: bytearray) -> bytearray:
        at = self._at(data)
        end = min(len(data), at + self._random.choice((1, 2, 4, 16, 200)))
        data[at:end] = self._random.choice(
            (bytes(end - at), b"\xff" * (end - at), self._random.randbytes(end - at))
        )
        return data

    def _set_field(self, data: bytearray) -> bytearray:
        """Replaces a number of two, three or four bytes by an extreme value."""
        size = self._random.choice((1, 2, 2, 3, 4, 4, 4))
        at = self._at(data)
        if at + size <= len(data):
            value = self._random.choice(_EDGES) & (256**size - 1)
            data[at : at + size] = value.to_bytes(size, self._random.choice(("big", "little")))
        return data

    def _cut_off(self, data: bytearray) -> bytearray:
        return data[: self._random.randrange(len(data))]

    def _cut_out(self, data: bytearray) -> bytearray:
        at = self._at(data)
        del data[at : at + self._random.choice((1, 2, 4, 12, 100))]
        return data

    def _repeat(self, data: bytearray) -> bytearray:
        at = self._at(data)
        part = data[at : at + self._random.choice((1, 4, 12, 100, 1_000))]
        data[at:at] = part * self._random.choice((1, 2, 50))
        return data

    def _repeat_often(self, data: bytearray) -> bytearray:
        """Repeats a piece of the size of a chunk, block or segment many times."""
        at = self._at(data)
        part = data[at : at + self._random.choice((2, 4, 12, 20, 40))]
        data[at:at] = part * (self._random.choice((20_000, 200_000)) // max(1, len(part)))
        return data

    def _splice(self, data: bytearray) -> bytearray:
        """The beginning of one file and the end of another."""
        other = self._random.choice(self._pictures)
        return data[: self._at(data)] + other[self._random.randrange(len(other)) :]


def _with_checksums(data: bytearray) -> bytearray:
    """Corrects the checksums of a PNG, so that errors in its chunks reach the decoder."""
    at = 8
    if not data.startswith(b"\x89PNG"):
        return data
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        data[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return data
