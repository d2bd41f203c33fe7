"""Decodes the bytes of a picture to upright RGB pixels, or rejects them.

Headers are read first (`formats`): a picture that is too large or too expensive is rejected before any of it
is decoded. Pictures from outside go through `decoder`, which also bounds time and memory; its processes run
this module. Only pictures that Gemel made itself are decoded here directly.
"""

import io
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.errors import ImageTooExpensive, InvalidInput, UnreadableImage, UnsupportedImageFormat
from indexer.types import Image
from indexer.vision.decoding import bit_depth, formats, upright
from indexer.vision.decoding.formats import jpeg, png, pnm
from indexer.vision.decoding.formats.header import Header

_MAX_MISSING = 0.001
"""Share of a JPEG's pixels that may be missing at its end."""

warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A decoded photograph, which may have fewer pixels than its file."""

    pixels: Image
    width_px: int
    """Of the upright picture in the file."""
    height_px: int
    divisor: int = 1
    """1, 2, 4 or 8: pixels of the file for each decoded one, along a side."""


Allocate = Callable[[tuple[int, int, int]], Image]
"""Returns an array of a shape (height, width, 3), into which a picture is decoded."""


def decode(data: bytes, *, max_pixels: int) -> Image:
    """The picture in `data`, shape (height, width, 3), uint8 RGB, upright by its EXIF orientation.

    An animation gives its first frame; transparent pixels become white; 16 bits become 8. A JPEG of more than
    `max_pixels` is decoded at a half, a quarter or an eighth of its sides.

    Raises UnsupportedImageFormat, UnreadableImage, ImageTooLarge, ImageTooExpensive.
    """
    return decode_picture(data, max_pixels=max_pixels).pixels


def decode_picture(
    data: bytes, *, max_pixels: int, min_side_px: float = math.inf, allocate: Allocate | None = None
) -> Picture:
    """Like `decode`, with the size of the picture in the file.

    `min_side_px`: as many pixels as the longer side needs at least. A JPEG that is twice as long or more is
    decoded at a half, a quarter or an eighth of its sides."""
    header = formats.inspect(data, max_pixels=max_pixels)
    allocate = allocate or _new_array
    try:
        if header.format == "PPM":
            pixels = allocate((header.height, header.width, 3))
            pixels[:] = pnm.decode(data)
            return Picture(pixels=pixels, width_px=header.width, height_px=header.height)
        divisor = formats.reduction(header, max_pixels=max_pixels, min_side_px=min_side_px)
        if divisor > 1:
            least = formats.reduction(header, max_pixels=max_pixels)
            divisor = max(least, upright.divisor_without_shift(data, header, divisor))
        return _decode_with_pillow(data, header, divisor, allocate)
    except InvalidInput:
        raise
    except MemoryError:
        raise ImageTooExpensive("decoding the image takes more memory than the limit") from None
    except Exception as error:  # on a malformed file Pillow's parsers raise almost anything
        raise UnreadableImage(f"the image is truncated or damaged: {error}") from error


def _new_array(shape: tuple[int, int, int]) -> Image:
    return np.empty(shape, np.uint8)


def _decode_with_pillow(data: bytes, header: Header, divisor: int, allocate: Allocate) -> Picture:
    with _load(data, header, divisor) as image:
        operation = upright.transpose_for(data, header, image)
        complete = _with_low_bytes(data, header, image)
        turned = complete if operation is None else complete.transpose(operation)
        pixels = allocate((turned.height, turned.width, 3))
        _fill(pixels, turned)
    width, height = header.width, header.height
    if operation in upright.SWAP_SIDES:
        width, height = height, width
    if divisor == 1:  # libheif and others decide themselves how a picture is cropped and rotated
        height, width = pixels.shape[:2]
    return Picture(pixels=pixels, width_px=width, height_px=height, divisor=divisor)


def _load(data: bytes, header: Header, divisor: int) -> PIL.Image.Image:
    if header.format == "JPEG":
        data = jpeg.cleaned(data)
        try:
            return _open(data, header, divisor)
        except OSError:
            whole = _complete_jpeg(data, header, divisor)
            if whole is None:
                raise
            return whole
    return _open(png.cleaned(data) if header.format == "PNG" else data, header, divisor)


def _with_low_bytes(data: bytes, header: Header, image: PIL.Image.Image) -> PIL.Image.Image:
    """The picture; if its colours have 16 bits with unused upper bits, reduced from all of them."""
    if header.linear or header.format not in ("PNG", "TIFF") or not bit_depth.may_lack_low_bytes(image):
        return image
    file = io.BytesIO(png.cleaned(data) if header.format == "PNG" else data)
    with PIL.Image.open(file, formats=(header.format,)) as again:
        return bit_depth.with_low_bytes(image, again)


def _open(data: bytes, header: Header, divisor: int = 1) -> PIL.Image.Image:
    _register(header)
    image = PIL.Image.open(io.BytesIO(data), formats=(header.format,))
    if divisor > 1:
        image.draft(None, (header.width // divisor, header.height // divisor))
    if image.width * image.height > header.width * header.height:
        raise UnreadableImage("the image is larger than its header states")
    image.load()
    return image


def _register(header: Header) -> None:
    """Prepares Pillow for one format. Its own limit of pixels is a second check behind `formats.inspect`."""
    allowed = header.width * header.height
    if PIL.Image.MAX_IMAGE_PIXELS is None or allowed > PIL.Image.MAX_IMAGE_PIXELS:
        PIL.Image.MAX_IMAGE_PIXELS = allowed
    if header.format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener(
            decode_threads=1, thumbnails=False, depth_images=False, aux_images=False
        )
    elif header.format == "AVIF":
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    elif header.format == "TIFF":
        from PIL import TiffImagePlugin  # noqa: F401
    elif header.format == "WEBP":
        from PIL import WebPImagePlugin  # noqa: F401


def _complete_jpeg(data: bytes, header: Header, divisor: int) -> PIL.Image.Image | None:
    """A truncated JPEG, if it lacks only its end marker; None if a visible part is missing."""
    first: PIL.Image.Image | None = None
    for completed in jpeg.with_end(data):
        image = _open(completed, header, divisor)
        if first is None:
            first = image
        elif _count_differing(first, image) > _MAX_MISSING * image.width * image.height:
            return None
    return first


def _count_differing(first: PIL.Image.Image, second: PIL.Image.Image) -> int:
    """Number of different pixels in two pictures of the same size."""
    return sum(
        int((np.asarray(a) != np.asarray(b)).reshape(a.width * a.height, -1).any(axis=1).sum())
        for a, b in zip(bit_depth.strips(first), bit_depth.strips(second), strict=True)
    )


def _fill(pixels: Image, image: PIL.Image.Image) -> None:
    """Converts any of Pillow's modes to RGB, one strip at a time."""
    if image.mode == "F":
        raise UnsupportedImageFormat("floating-point pixels, whose range is unknown, are not supported")
    convert: Callable[[PIL.Image.Image], NDArray[Any]] = _rgb
    if image.mode.startswith("I"):  # "I", "I;16", "I;16B": up to 16 bits of grey
        bits = bit_depth.estimate_bits(np.asarray(strip) for strip in bit_depth.strips(image))
        convert = _grey_converter(bits)
    top = 0
    for strip in bit_depth.strips(image):
        pixels[top : top + strip.height] = convert(strip)
        top += strip.height


def _grey_converter(bits: int) -> Callable[[PIL.Image.Image], NDArray[Any]]:
    return lambda strip: bit_depth.to_eight_bits(np.asarray(strip), bits)[:, :, np.newaxis]


def _rgb(strip: PIL.Image.Image) -> NDArray[Any]:
    if strip.mode == "RGB":
        return np.asarray(strip)
    if strip.has_transparency_data:
        over_white = PIL.Image.new("RGBA", strip.size, "white")
        over_white.alpha_composite(strip.convert("RGBA"))
        strip = over_white
    return np.asarray(strip.convert("RGB"))
