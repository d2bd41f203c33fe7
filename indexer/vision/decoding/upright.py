"""Which operation makes a picture upright, by the orientation that its file states."""

import PIL.Image
from PIL.Image import Transpose

from indexer.vision.decoding.formats import jpeg, png
from indexer.vision.decoding.formats.header import Header

SWAP_SIDES = {Transpose.TRANSPOSE, Transpose.ROTATE_270, Transpose.TRANSVERSE, Transpose.ROTATE_90}
_REVERSE_ROWS = {Transpose.FLIP_LEFT_RIGHT, Transpose.ROTATE_180, Transpose.TRANSVERSE, Transpose.ROTATE_90}
_REVERSE_COLUMNS = {
    *(Transpose.FLIP_TOP_BOTTOM, Transpose.ROTATE_180),
    *(Transpose.TRANSVERSE, Transpose.ROTATE_270),
}
"""Those that bring the end of each row, or column, of the file to its beginning."""

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
"""EXIF orientation to the operation that makes the picture upright (Exif 2.32, 4.6.4 A)."""


def transpose_for(data: bytes, header: Header, image: PIL.Image.Image | None = None) -> Transpose | None:
    """None if the picture stays as it is stored. `image`: not needed for JPEG and PNG."""
    orientation: object = None
    try:
        if header.format == "JPEG":
            orientation = jpeg.orientation(data)
        elif header.format == "PNG":
            orientation = png.orientation(data)
        elif image is not None:
            orientation = image.getexif().get(_ORIENTATION_TAG)
    except Exception:  # damaged EXIF: the picture stays as it is stored
        return None
    return _UPRIGHT.get(orientation) if isinstance(orientation, int) else None


def divisor_without_shift(data: bytes, header: Header, divisor: int) -> int:
    """A smaller `divisor` for a JPEG that is reversed along a side which does not divide by it.

    The last reduced pixel of a row stands for the remainder. If it became the first, all others would be
    shifted against the photograph, by up to `divisor` - 1 of its pixels."""
    operation = transpose_for(data, header)
    reversed_sides = [header.width] * (operation in _REVERSE_ROWS)
    reversed_sides += [header.height] * (operation in _REVERSE_COLUMNS)
    while any(side % divisor for side in reversed_sides):
        divisor //= 2
    return divisor
