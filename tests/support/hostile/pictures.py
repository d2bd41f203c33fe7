"""Makes the pictures that break decoders, out of one good photograph or out of nothing."""

import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import PIL.Image
import pillow_heif
from PIL.Image import Transpose

from tests.support.pictures import encoded, pixels

pillow_heif.register_heif_opener()  # to make them

STORED_FOR = {
    1: None,
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}
"""How a camera lays an upright picture down for each EXIF orientation."""


def opened(data: bytes) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(data)).convert("RGB")


def oriented(picture: bytes, orientation: int, format: str) -> bytes:
    """The same picture, stored turned, with the EXIF tag that says so."""
    image = opened(picture)
    turn = STORED_FOR[orientation]
    stored = image if turn is None else image.transpose(turn)
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    return encoded(stored, format, exif=exif)


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size, with a handful of bytes behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(1000)))
        + chunk(b"IEND", b"")
    )


def jpeg_header(picture: bytes, width: int, height: int) -> bytes:
    """`picture`, a baseline JPEG, announcing another size."""
    at = picture.index(b"\xff\xc0")
    return picture[: at + 5] + struct.pack(">HH", height, width) + picture[at + 9 :]


def gif_header(width: int, height: int) -> bytes:
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + screen + frame + b"\x3b"


def bmp_header(width: int, height: int) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 100, 0, 0, 54) + info + bytes(100)


def grey_16_bit(picture: bytes) -> PIL.Image.Image:
    grey = np.asarray(opened(picture).convert("L"))
    return PIL.Image.fromarray(grey.astype(np.uint16) * 257)


def grey_12_in_16_bit(picture: bytes) -> PIL.Image.Image:
    """As many cameras and scanners save it: no value above 4,095."""
    grey = np.asarray(opened(picture).convert("L"))
    return PIL.Image.fromarray(grey.astype(np.uint16) * 16)


def with_png_text(picture: bytes, length: int) -> bytes:
    """Longer than what Pillow reads."""
    file = encoded(opened(picture), "PNG")
    content = b"tEXtComment\0" + b"x" * length
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    return file[:33] + chunk + file[33:]


def colour_16_bit(picture: bytes, extension: str) -> bytes:
    bgr = cv2.cvtColor(pixels(picture), cv2.COLOR_RGB2BGR).astype(np.uint16) * 257
    _, file = cv2.imencode(extension, bgr)
    return file.tobytes()


def translucent(picture: bytes, alpha: int) -> PIL.Image.Image:
    image = opened(picture)
    image.putalpha(alpha)
    return image


def palette_with_transparency(picture: bytes) -> bytes:
    """PNG of 256 colours, each with an opacity of its own."""
    image = opened(picture).quantize(255)
    return encoded(image, "PNG", transparency=bytes([255] * 254 + [0]))


def animated(picture: bytes, format: str) -> bytes:
    """The picture, then two frames of plain colour."""
    first = opened(picture)
    others = [PIL.Image.new("RGB", first.size, colour) for colour in ("red", "blue")]
    return encoded(first, format, save_all=True, append_images=others, duration=100)


def many_megapixels(width: int, height: int) -> bytes:
    """Real pixels, all white, in few bytes."""
    return encoded(PIL.Image.new("L", (width, height), 255), "PNG", compress_level=1)


READABLE: dict[str, Callable[[bytes], bytes]] = {
    "CMYK JPEG": lambda p: encoded(opened(p).convert("CMYK"), "JPEG", quality=92),
    "CMYK TIFF": lambda p: encoded(opened(p).convert("CMYK"), "TIFF"),
    "progressive JPEG": lambda p: encoded(opened(p), "JPEG", progressive=True),
    "grey JPEG": lambda p: encoded(opened(p).convert("L"), "JPEG"),
    "grey PNG": lambda p: encoded(opened(p).convert("L"), "PNG"),
    "16-bit grey PNG": lambda p: encoded(grey_16_bit(p), "PNG"),
    "16-bit grey TIFF": lambda p: encoded(grey_16_bit(p), "TIFF"),
    "16-bit colour PNG": lambda p: colour_16_bit(p, ".png"),
    "16-bit colour TIFF": lambda p: colour_16_bit(p, ".tiff"),
    "PNG with alpha": lambda p: encoded(translucent(p, 200), "PNG"),
    "grey PNG with alpha": lambda p: encoded(translucent(p, 200).convert("LA"), "PNG"),
    "WebP with alpha": lambda p: encoded(translucent(p, 200), "WEBP"),
    "palette PNG": lambda p: encoded(opened(p).quantize(256), "PNG"),
    "palette PNG with transparency": palette_with_transparency,
    "animated GIF": lambda p: animated(p, "GIF"),
    "animated WebP": lambda p: animated(p, "WEBP"),
    "animated PNG": lambda p: animated(p, "PNG"),
    "TIFF of several pages": lambda p: animated(p, "TIFF"),
    "BMP": lambda p: encoded(opened(p), "BMP"),
    "PPM": lambda p: encoded(opened(p), "PPM"),
    "TIFF with LZW": lambda p: encoded(opened(p), "TIFF", compression="tiff_lzw"),
    "JPEG with rubbish behind it": lambda p: p + b"rubbish" * 100,
    "JPEG with bytes before it": lambda p: b"\r\n--boundary\r\n" + p,
    "JPEG without its last two bytes": lambda p: p[:-2],
    "HEIC": lambda p: encoded(opened(p), "HEIF", quality=90),
    "AVIF": lambda p: encoded(opened(p), "AVIF", quality=80),
    "grey PNG of 12 bits in 16": lambda p: encoded(grey_12_in_16_bit(p), "PNG"),
    "PNG with 3 MB of text": lambda p: with_png_text(p, 3_000_000),
}
"""Kinds of file in which the face of a photograph must be found."""

UNREADABLE: dict[str, tuple[Callable[[bytes], bytes], int, str]] = {
    "empty": (lambda p: b"", 415, "unsupported_image_format"),
    "text": (lambda p: b"This is a text, whatever its name says.\n", 415, "unsupported_image_format"),
    "HTML": (lambda p: b"<html><body><img src=x></body></html>", 415, "unsupported_image_format"),
    "SVG": (lambda p: b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_image_format"),
    "PDF": (lambda p: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", 415, "unsupported_image_format"),
    "a mere JPEG marker": (lambda p: b"\xff\xd8\xff", 415, "unsupported_image_format"),
    "JPEG cut off in the header": (lambda p: p[:200], 0, ""),
    "JPEG cut off in the middle": (lambda p: p[: len(p) // 2], 422, "unreadable_image"),
    "PNG cut off in the middle": (
        lambda p: encoded(opened(p), "PNG")[:100_000],
        422,
        "unreadable_image",
    ),
    "WebP cut off": (lambda p: encoded(opened(p), "WEBP")[:5000], 0, ""),
    "GIF cut off": (lambda p: encoded(opened(p), "GIF")[:20_000], 422, "unreadable_image"),
    "TIFF cut off": (lambda p: encoded(opened(p), "TIFF")[:20_000], 0, ""),
    "PNG of 0 x 0": (lambda p: png_header(0, 0), 0, ""),
    "JPEG of 0 x 0": (lambda p: jpeg_header(p, 0, 0), 0, ""),
    "GIF of 0 x 0": (lambda p: gif_header(0, 0), 0, ""),
    "BMP of 0 x 0": (lambda p: bmp_header(0, 0), 0, ""),
    "BMP of negative width": (lambda p: bmp_header(-5, 5), 0, ""),
    "PNG bomb": (lambda p: png_header(2**31 - 1, 2**31 - 1), 413, "image_too_large"),
    "PNG of 2 ** 32 - 1": (lambda p: png_header(2**32 - 1, 2**32 - 1), 0, ""),
    "PNG bomb of one line": (lambda p: png_header(2**31 - 1, 1), 413, "image_too_large"),
    "JPEG bomb": (lambda p: jpeg_header(p, 65_500, 65_500), 413, "image_too_large"),
    "GIF bomb": (lambda p: gif_header(65_535, 65_535), 413, "image_too_large"),
    "BMP bomb": (lambda p: bmp_header(2**31 - 1, 2**31 - 1), 413, "image_too_large"),
    "60 megapixels": (lambda p: many_megapixels(10_000, 6_000), 413, "image_too_large"),
    "PNG announcing more than it has": (lambda p: png_header(640, 480), 422, "unreadable_image"),
    "floating-point TIFF": (
        lambda p: encoded(opened(p).convert("F"), "TIFF"),
        415,
        "unsupported_image_format",
    ),
    "ICO": (lambda p: encoded(opened(p).resize((64, 64)), "ICO"), 415, "unsupported_image_format"),
    "JPEG with its middle overwritten": (lambda p: p[:300] + bytes(3000) + p[3300:9000], 0, ""),
}
"""Files that must be rejected: how to make them, the status and the code (0: any of the 4xx)."""
