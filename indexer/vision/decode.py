"""Bytes to upright RGB pixels, or a clear refusal. Not for detecting anything in them.

Pillow rather than OpenCV decodes, because it tells a picture's size and kind before it reads a
pixel: a decompression bomb is refused by its header.
"""

import io
import warnings

import numpy as np
import PIL.Image
from PIL.Image import Transpose

from indexer.errors import ImageTooLarge, UnreadableImage, UnsupportedImageFormat
from indexer.types import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM")

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

# The limit is ours (`max_pixels`), checked below before a pixel is decoded; Pillow's own would warn
# at one number and raise at another.
PIL.Image.MAX_IMAGE_PIXELS = None
PIL.Image.init()  # registers every format now, not in the first request
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def decode(data: bytes, *, max_pixels: int) -> Image:
    """The picture in `data`, shape (height, width, 3), uint8 RGB, turned upright by its EXIF.

    Of an animation the first frame; what is transparent becomes white; 16 bits become 8.

    Raises UnsupportedImageFormat, UnreadableImage, ImageTooLarge.
    """
    if not data:
        raise UnsupportedImageFormat("the image is empty: 0 bytes were sent", bytes=0)
    try:
        opened = PIL.Image.open(io.BytesIO(data), formats=FORMATS)
    except PIL.UnidentifiedImageError:
        raise UnsupportedImageFormat(
            "not an image of a kind that is read here", readable=list(FORMATS)
        ) from None
    except Exception as error:  # Pillow's parsers raise nearly anything on a malformed header
        raise UnreadableImage(f"the image's header is damaged: {error}") from error

    with opened as image:
        width, height = image.size
        if width < 1 or height < 1:
            raise UnreadableImage(f"the image has no pixels: {width} x {height}")
        if width * height > max_pixels:
            raise ImageTooLarge(
                f"the image has {width} x {height} pixels, more than the limit of {max_pixels}",
                measured=width * height,
                limit=max_pixels,
            )
        try:
            image.load()
            upright = _upright(image)
            return np.ascontiguousarray(_rgb(upright))
        except UnsupportedImageFormat:
            raise
        except Exception as error:  # as above: OSError, SyntaxError, struct.error, EOFError, ...
            raise UnreadableImage(f"the image is truncated or damaged: {error}") from error


def _upright(image: PIL.Image.Image) -> PIL.Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG)
    except Exception:  # damaged EXIF says nothing of the pixels: they are shown as they lie
        return image
    turn = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)


def _rgb(image: PIL.Image.Image) -> Image:
    if image.mode == "RGB":
        return np.asarray(image)
    if image.mode.startswith("I"):  # "I", "I;16", "I;16B": up to 16 bits of grey
        grey = np.asarray(image).astype(np.int64)
        grey = np.clip(grey >> 8 if grey.max(initial=0) > 255 else grey, 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, np.newaxis], 3, axis=2)
    if image.mode == "F":
        raise UnsupportedImageFormat("pixels are floating-point numbers of unknown range")
    if image.has_transparency_data:
        over_white = PIL.Image.new("RGBA", image.size, "white")
        over_white.alpha_composite(image.convert("RGBA"))
        image = over_white
    return np.asarray(image.convert("RGB"))
