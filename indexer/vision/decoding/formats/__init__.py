"""Reads a picture's header before anything is decoded: format, size, and whether decoding may be expensive.

One module per format. Each reads a bounded number of bytes or elements of any file, so that a hostile file
costs no more than a photograph.
"""

import logging
import math
from collections.abc import Callable

from indexer.errors import ImageTooLarge, InvalidInput, UnreadableImage, UnsupportedImageFormat
from indexer.vision.decoding.formats import bmp, gif, isobmff, jpeg, png, pnm, tiff, webp
from indexer.vision.decoding.formats.header import Header, Truncated

log = logging.getLogger(__name__)

READABLE = ("JPEG", "PNG", "WEBP", "HEIC", "AVIF", "GIF", "BMP", "TIFF", "PPM")

MAX_SIDE_PX = 65_535
"""Of a decoded picture, as of any JPEG."""


def inspect(data: bytes, *, max_pixels: int) -> Header:
    """Raises UnsupportedImageFormat, UnreadableImage, ImageTooLarge, ImageTooExpensive."""
    if not data:
        raise UnsupportedImageFormat("the image is empty (0 bytes)", bytes=0)
    read = _reader(data)
    if read is None:
        raise UnsupportedImageFormat("this is not an image in a supported format", readable=list(READABLE))
    try:
        header = read(data)
    except Truncated as error:
        raise UnreadableImage(f"the image's header is damaged: {error}") from error
    except InvalidInput:
        raise
    except Exception as error:  # a bug of a reader must not fail the request
        log.exception("cannot read the header of an image")
        raise UnreadableImage("the image's header is damaged") from error
    if header.width < 1 or header.height < 1:
        raise UnreadableImage(f"the image has no pixels: {header.width} x {header.height}")
    _check_size(header, max_pixels)
    return header


def reduction(header: Header, *, max_pixels: int, min_side_px: float = math.inf) -> int:
    """1, 2, 4 or 8: the divisor of the sides with which the decoded picture is within the limit.

    A larger one if with it the picture's longer side is still `min_side_px` or more."""
    shorter_side, longer_side = sorted((header.width, header.height))

    def enough(divisor: int) -> bool:
        return longer_side >= min_side_px * divisor and shorter_side >= divisor

    divisor = 1
    while divisor < header.max_reduction and (enough(divisor * 2) or not _fits(header, divisor, max_pixels)):
        divisor *= 2
    return divisor


def _fits(header: Header, divisor: int, max_pixels: int) -> bool:
    width, height = -(-header.width // divisor), -(-header.height // divisor)
    return width * height <= max_pixels and max(width, height) <= MAX_SIDE_PX


def _check_size(header: Header, max_pixels: int) -> None:
    pixels = header.width * header.height
    limit = int(max_pixels * header.size_factor)
    if pixels > limit:
        more = "" if header.size_factor == 1 else f", which is {header.size_factor:g} times"
        raise ImageTooLarge(
            f"the image has {header.width} x {header.height} pixels, more than the limit of {limit}{more}"
            f" (GEMEL_MAX_IMAGE_MEGAPIXELS, now {max_pixels / 1e6:g})",
            measured=pixels,
            limit=limit,
        )
    longer_side = max(header.width, header.height)
    if not _fits(header, reduction(header, max_pixels=max_pixels), max_pixels):
        raise ImageTooLarge(
            f"the image's longer side has {longer_side} pixels, more than the limit of {MAX_SIDE_PX}",
            measured=longer_side,
            limit=MAX_SIDE_PX,
        )


def _reader(data: bytes) -> Callable[[bytes], Header] | None:
    """By the first bytes, never by the name of a file."""
    for recognises, read in (
        (png.recognises, png.read),
        (gif.recognises, gif.read),
        (webp.recognises, webp.read),
        (bmp.recognises, bmp.read),
        (tiff.recognises, tiff.read),
        (pnm.recognises, pnm.read),
        (isobmff.recognises, isobmff.read),
        (jpeg.recognises, jpeg.read),  # the last, because other bytes may precede a JPEG
    ):
        if recognises(data):
            return read
    return None
