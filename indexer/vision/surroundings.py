"""Cuts out a face with what is around it. Liveness networks look there for a screen's edge or a hand."""

import cv2
import numpy as np

from indexer.types import Box, Image

MIN_COLOUR = 3.0
"""Difference of the largest and the smallest channel, of 255, as a mean over a face. Skin has 30 or more, and
a grey JPEG less than 1."""


def with_surroundings(image: Image, box: Box, scale: float, side_px: int) -> Image:
    """The rectangle `scale` times as wide and as high as `box`, stretched to shape (side, side, 3).

    As in Minivision's own code it is moved into the picture where it extends beyond. Where it is larger than
    the picture, what is missing is mirrored; Minivision's code would cut out less, and the face would be
    larger than the network expects. `box`: in pixels of `image`."""
    height, width = image.shape[:2]
    left, right, before_x, after_x = _along(box.x, box.width, scale, width, side_px, moves=True)
    top, bottom, before_y, after_y = _along(box.y, box.height, scale, height, side_px, moves=True)
    size = (side_px - before_x - after_x, side_px - before_y - after_y)
    part = cv2.resize(image[top:bottom, left:right], size)
    mirrored = cv2.copyMakeBorder(part, before_y, after_y, before_x, after_x, cv2.BORDER_REFLECT)
    return np.asarray(mirrored, np.uint8)


def _along(
    start: float, length: float, scale: float, limit: int, side_px: int, *, moves: bool = False
) -> tuple[int, int, int, int]:
    """Along one side: first and last pixel to read, and how many of `side_px` lack before and after them.
    `moves`: into the picture, where there is room."""
    half, middle = length * scale / 2, start + length / 2
    if moves and 2 * half <= limit:
        middle = float(np.clip(middle, half, limit - half))
    first = int(np.clip(middle - half, 0, limit - 1))
    last = int(np.clip(middle + half, first + 1, limit))
    per_px = side_px / max(2 * half, 1.0)
    before = round((first - (middle - half)) * per_px) if middle < half else 0
    after = round((middle + half - last) * per_px) if middle + half > limit else 0
    before = min(before, side_px - 1)
    return first, last, before, min(after, side_px - 1 - before)


def square_around(image: Image, box: Box, scale: float, side_px: int) -> Image:
    """The square `scale` times as wide as the longer side of `box`, about its middle, shape (side, side, 3).

    Beyond the picture's edge it is a blurred mirror image: a sharp one would show a second mouth, which a
    network takes for an attack. `box`: in pixels of `image`."""
    height, width = image.shape[:2]
    longer = max(box.width, box.height)
    left, right, before_x, after_x = _along(box.x + (box.width - longer) / 2, longer, scale, width, side_px)
    top, bottom, before_y, after_y = _along(box.y + (box.height - longer) / 2, longer, scale, height, side_px)
    size = (side_px - before_x - after_x, side_px - before_y - after_y)
    enlarges = side_px > longer * scale
    how = cv2.INTER_LANCZOS4 if enlarges else cv2.INTER_AREA
    part = np.asarray(cv2.resize(image[top:bottom, left:right], size, interpolation=how), np.uint8)
    if size == (side_px, side_px):
        return part
    mirrored = cv2.copyMakeBorder(part, before_y, after_y, before_x, after_x, cv2.BORDER_REFLECT)
    blurred = np.asarray(cv2.GaussianBlur(mirrored, (0, 0), max(size) / 20), np.uint8)
    blurred[before_y : before_y + size[1], before_x : before_x + size[0]] = part
    return blurred


def is_grey(image: Image, box: Box) -> bool:
    """Whether the face has no colours: a photograph without, or one by infrared light."""
    top, left = max(0, int(box.y)), max(0, int(box.x))
    part = image[top : int(box.y + box.height), left : int(box.x + box.width)]
    return part.size == 0 or float(np.ptp(part.astype(np.int16), axis=2).mean()) < MIN_COLOUR


def share_inside(box: Box, width_px: int, height_px: int) -> float:
    """How much of `box` lies within a picture of this size, 0 to 1."""
    across = min(box.x + box.width, width_px) - max(box.x, 0.0)
    down = min(box.y + box.height, height_px) - max(box.y, 0.0)
    return max(0.0, across) * max(0.0, down) / max(box.area_px, 1e-9)
