"""Cuts out a face with what is around it. Liveness networks look there for a screen's edge or a hand."""

import cv2
import numpy as np

from indexer.types import Box, Image


def with_surroundings(image: Image, box: Box, scale: float, side_px: int) -> Image:
    """The rectangle `scale` times as wide and as high as `box`, stretched to shape (side, side, 3).

    As in Minivision's own code it is moved into the picture where it extends beyond. Where it is larger than
    the picture, what is missing is mirrored; Minivision's code would cut out less, and the face would be
    larger than the network expects. `box`: in pixels of `image`."""
    height, width = image.shape[:2]
    left, right, before_x, after_x = _along(box.x, box.width, scale, width, side_px)
    top, bottom, before_y, after_y = _along(box.y, box.height, scale, height, side_px)
    size = (side_px - before_x - after_x, side_px - before_y - after_y)
    part = cv2.resize(image[top:bottom, left:right], size)
    mirrored = cv2.copyMakeBorder(part, before_y, after_y, before_x, after_x, cv2.BORDER_REFLECT)
    return np.asarray(mirrored, np.uint8)


def _along(start: float, length: float, scale: float, limit: int, side_px: int) -> tuple[int, int, int, int]:
    """Along one side: first and last pixel to read, and how many of `side_px` lack before and after them."""
    half, middle = length * scale / 2, start + length / 2
    if 2 * half <= limit:
        middle = float(np.clip(middle, half, limit - half))
    first = int(np.clip(middle - half, 0, limit - 1))
    last = int(np.clip(middle + half, first + 1, limit))
    per_px = side_px / max(2 * half, 1.0)
    before = round((first - (middle - half)) * per_px) if middle < half else 0
    after = round((middle + half - last) * per_px) if middle + half > limit else 0
    before = min(before, side_px - 1)
    return first, last, before, min(after, side_px - 1 - before)


def square_around(image: Image, box: Box, scale: float, side_px: int) -> Image:
    """The square `scale` times as wide as the longer side of `box`, about its middle, shape (side, side, 3);
    mirrored at the picture's edge. `box`: in pixels of `image`."""
    height, width = image.shape[:2]
    side = max(2, int(max(box.width, box.height) * scale))
    left = min(int(box.x + box.width / 2 - side / 2), width - 1)
    top = min(int(box.y + box.height / 2 - side / 2), height - 1)
    right, bottom = max(left + side, 1), max(top + side, 1)
    part = image[max(0, top) : bottom, max(0, left) : right]
    borders = (max(0, -top), max(0, bottom - height), max(0, -left), max(0, right - width))
    mirrored = cv2.copyMakeBorder(part, *borders, cv2.BORDER_REFLECT_101)
    how = cv2.INTER_LANCZOS4 if side_px > side else cv2.INTER_AREA
    return np.asarray(cv2.resize(mirrored, (side_px, side_px), interpolation=how), np.uint8)


def share_inside(box: Box, width_px: int, height_px: int) -> float:
    """How much of `box` lies within a picture of this size, 0 to 1."""
    across = min(box.x + box.width, width_px) - max(box.x, 0.0)
    down = min(box.y + box.height, height_px) - max(box.y, 0.0)
    return max(0.0, across) * max(0.0, down) / max(box.area_px, 1e-9)
