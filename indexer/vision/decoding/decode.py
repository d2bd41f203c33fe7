"""Bytes to upright RGB pixels, or a clear rejection. Not for detecting anything in them.

The headers are read first (`formats`), so that a picture that is too large or too costly is rejected before
a byte of it is decoded. What comes from outside is decoded through `decoder`, which bounds time and memory
besides; `decode` is for pictures of our own making, and what the decoder's processes run.
"""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL.Image import Transpose

from indexer.errors import ImageTooExpensive, InvalidInput, UnreadableImage, UnsupportedImageFormat
from indexer.types import Image
from indexer.vision.decoding import bit_depth, formats
from indexer.vision.decoding.formats import jpeg, png, pnm
from indexer.vision.decoding.formats.header import Header

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""EXIF orientation to the turn that undoes it (Exif 2.32, 4.6.4 A)."""
_ON_THE_SIDE = {Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90}

_MAX_MISSING = 0.001
"""The share of a JPEG's pixels that may be missing with its end."""

warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A decoded photograph, which may have fewer pixels than its file."""

    pixels: Image
    width_px: int
    """As the file has them, upright."""
    height_px: int

    @property
    def scale(self) -> float:
        """Pixels of the file for each decoded one, along a side."""
        return float(max(self.width_px, self.height_px) / max(self.pixels.shape[:2]))


Allocate = Callable[[tuple[int, int, int]], Image]
"""Gives the array, (height, width, 3), that a picture is decoded into."""


def decode(data: bytes, *, max_pixels: int) -> Image:
    """The picture in `data`, shape (height, width, 3), uint8 RGB, turned upright by its EXIF.

    Of an animation the first frame; what is transparent becomes white; 16 bits become 8. A JPEG of more than
    `max_pixels` is decoded at a half, a quarter or an eighth of its sides.

    Raises UnsupportedImageFormat, UnreadableImage, ImageTooLarge, ImageTooExpensive.
    """
    return decode_picture(data, max_pixels=max_pixels).pixels


def decode_picture(data: bytes, *, max_pixels: int, allocate: Allocate | None = None) -> Picture:
    """As `decode`, with the size of the picture as it was sent."""
    header = formats.inspect(data, max_pixels=max_pixels)
    allocate = allocate or _array
    try:
        if header.format == "PPM":
            pixels = allocate((header.height, header.width, 3))
            pixels[:] = pnm.decode(data)
            return Picture(pixels=pixels, width_px=header.width, height_px=header.height)
        return _by_pillow(data, header, max_pixels, allocate)
    except InvalidInput:
        raise
    except MemoryError:
        raise ImageTooExpensive("decoding the image takes more memory than a picture is given") from None
    except Exception as error:  # Pillow's parsers raise nearly anything on a malformed file
        raise UnreadableImage(f"the image is truncated or damaged: {error}") from error


def _array(shape: tuple[int, int, int]) -> Image:
    return np.empty(shape, np.uint8)


def _by_pillow(data: bytes, header: Header, max_pixels: int, allocate: Allocate) -> Picture:
    divisor = formats.reduction(header, max_pixels=max_pixels)
    with _loaded(data, header, divisor) as image:
        turn = _turn(data, header, image)
        lit = _with_low_bytes(data, header, image)
        upright = lit if turn is None else lit.transpose(turn)
        pixels = allocate((upright.height, upright.width, 3))
        _fill(pixels, upright)
    width, height = header.width, header.height
    if turn in _ON_THE_SIDE:
        width, height = height, width
    if divisor == 1:  # libheif and the like have the last word on how a picture is cropped and turned
        height, width = pixels.shape[:2]
    return Picture(pixels=pixels, width_px=width, height_px=height)


def _loaded(data: bytes, header: Header, divisor: int) -> PIL.Image.Image:
    if header.format == "JPEG":
        data = jpeg.cleaned(data)
        try:
            return _opened(data, header, divisor)
        except OSError:
            whole = _with_its_end(data, header, divisor)
            if whole is None:
                raise
            return whole
    return _opened(png.cleaned(data) if header.format == "PNG" else data, header, divisor)


def _with_low_bytes(data: bytes, header: Header, image: PIL.Image.Image) -> PIL.Image.Image:
    """The picture itself, unless its colours have 16 bits of which the leading ones are never used."""
    if header.linear or header.format not in ("PNG", "TIFF") or not bit_depth.may_lack_low_bytes(image):
        return image
    file = io.BytesIO(png.cleaned(data) if header.format == "PNG" else data)
    with PIL.Image.open(file, formats=(header.format,)) as again:
        return bit_depth.with_low_bytes(image, again)


def _opened(data: bytes, header: Header, divisor: int = 1) -> PIL.Image.Image:
    _register(header)
    image = PIL.Image.open(io.BytesIO(data), formats=(header.format,))
    if divisor > 1:
        image.draft(None, (header.width // divisor, header.height // divisor))
    if image.width * image.height > header.width * header.height:
        raise UnreadableImage("the image is larger than its header says")
    image.load()
    return image


def _register(header: Header) -> None:
    """Readies Pillow for one format. Its own limit of pixels is a second lock behind `formats.inspect`."""
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


def _with_its_end(data: bytes, header: Header, divisor: int) -> PIL.Image.Image | None:
    """A JPEG that lacks no more than its end marker; None where it lacks a part that can be seen."""
    first: PIL.Image.Image | None = None
    for ended in jpeg.with_end(data):
        image = _opened(ended, header, divisor)
        if first is None:
            first = image
        elif _differing(first, image) > _MAX_MISSING * image.width * image.height:
            return None
    return first


def _differing(first: PIL.Image.Image, second: PIL.Image.Image) -> int:
    """How many pixels of two pictures of one size differ."""
    return sum(
        int((np.asarray(a) != np.asarray(b)).reshape(a.width * a.height, -1).any(axis=1).sum())
        for a, b in zip(bit_depth.strips(first), bit_depth.strips(second), strict=True)
    )


def _turn(data: bytes, header: Header, image: PIL.Image.Image) -> Transpose | None:
    try:
        if header.format == "JPEG":
            orientation = jpeg.orientation(data)
        elif header.format == "PNG":
            orientation = png.orientation(data)
        else:
            orientation = image.getexif().get(_ORIENTATION_TAG)
    except Exception:  # damaged EXIF says nothing of the pixels: they are shown as they lie
        return None
    return _UPRIGHT.get(orientation) if isinstance(orientation, int) else None


def _fill(pixels: Image, image: PIL.Image.Image) -> None:
    """Brings all that Pillow knows to RGB, a strip at a time."""
    if image.mode == "F":
        raise UnsupportedImageFormat("pixels are floating-point numbers of unknown range")
    convert: Callable[[PIL.Image.Image], NDArray[Any]] = _rgb
    if image.mode.startswith("I"):  # "I", "I;16", "I;16B": up to 16 bits of grey
        bits = bit_depth.bits_of(np.asarray(strip) for strip in bit_depth.strips(image))
        convert = _grey_converter(bits)
    top = 0
    for strip in bit_depth.strips(image):
        pixels[top : top + strip.height] = convert(strip)
        top += strip.height


def _grey_converter(bits: int) -> Callable[[PIL.Image.Image], NDArray[Any]]:
    return lambda strip: bit_depth.eight_bits(np.asarray(strip), bits)[:, :, np.newaxis]


def _rgb(strip: PIL.Image.Image) -> NDArray[Any]:
    if strip.mode == "RGB":
        return np.asarray(strip)
    if strip.has_transparency_data:
        over_white = PIL.Image.new("RGBA", strip.size, "white")
        over_white.alpha_composite(strip.convert("RGBA"))
        strip = over_white
    return np.asarray(strip.convert("RGB"))
