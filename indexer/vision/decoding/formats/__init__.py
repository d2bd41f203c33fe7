"""What a file says of its picture before anything is decoded: its format, its size, whether it may take long.

Plain reading of headers and markers, a module for each format. Each reads a bounded number of bytes or
elements, whatever is sent: a hostile file costs the caller no more than a photograph does.
"""

import logging
from collections.abc import Callable

from indexer.errors import ImageTooLarge, InvalidInput, UnreadableImage, UnsupportedImageFormat
from indexer.vision.decoding.formats import bmp, gif, isobmff, jpeg, png, pnm, tiff, webp
from indexer.vision.decoding.formats.header import Header, Truncated

log = logging.getLogger(__name__)

READABLE = ("JPEG", "PNG", "WEBP", "HEIC", "AVIF", "GIF", "BMP", "TIFF", "PPM")

MAX_SIDE_PX = 65_535
"""Of decoded pictures, as of any JPEG: a longer line is no photograph."""


def inspect(data: bytes, *, max_pixels: int) -> Header:
    """Raises UnsupportedImageFormat, UnreadableImage, ImageTooLarge, ImageTooExpensive."""
    if not data:
        raise UnsupportedImageFormat("the image is empty: 0 bytes were sent", bytes=0)
    read = _reader(data)
    if read is None:
        raise UnsupportedImageFormat("not an image of a kind that is read here", readable=list(READABLE))
    try:
        header = read(data)
    except Truncated as error:
        raise UnreadableImage(f"the image's header is damaged: {error}") from error
    except InvalidInput:
        raise
    except Exception as error:  # a fault of a reader: the picture is not worth a failed request
        log.exception("an image's header cannot be read")
        raise UnreadableImage("the image's header is damaged") from error
    if header.width < 1 or header.height < 1:
        raise UnreadableImage(f"the image has no pixels: {header.width} x {header.height}")
    _check_size(header, max_pixels)
    return header


def reduction(header: Header, *, max_pixels: int) -> int:
    """1, 2, 4 or 8: the divisor of the sides at which the picture is decoded so that it keeps the limit."""
    divisor = 1
    while header.max_reduction > divisor and not _fits(header, divisor, max_pixels):
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
            f"the image is {longer_side} pixels long, more than the {MAX_SIDE_PX} of the longest side",
            measured=longer_side,
            limit=MAX_SIDE_PX,
        )


def _reader(data: bytes) -> Callable[[bytes], Header] | None:
    """By the first bytes, never by a file's name."""
    for recognises, read in (
        (png.recognises, png.read),
        (gif.recognises, gif.read),
        (webp.recognises, webp.read),
        (bmp.recognises, bmp.read),
        (tiff.recognises, tiff.read),
        (pnm.recognises, pnm.read),
        (isobmff.recognises, isobmff.read),
        (jpeg.recognises, jpeg.read),  # the last: it alone may have other bytes before it
    ):
        if recognises(data):
            return read
    return None
