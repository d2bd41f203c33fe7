"""Pictures turned by quarters, and faces turned back with them."""

import numpy as np

from indexer.types import Box, Face, Image

QUARTERS = (1, 2, 3)
"""Clockwise."""


def rotate(picture: Image, quarters: int) -> Image:
    return np.ascontiguousarray(np.rot90(picture, -quarters))


def rotate_back(face: Face, quarters: int, picture: Image) -> Face:
    """In the pixels of `picture`, the face that was found in it rotated by so many quarters."""
    height, width = picture.shape[:2]
    x, y = face.landmarks.T
    box = face.box
    right, bottom = box.x + box.width, box.y + box.height
    if quarters == 1:
        points = (y, height - 1 - x)
        corner = (box.y, height - right)
    elif quarters == 2:
        points = (width - 1 - x, height - 1 - y)
        corner = (width - right, height - bottom)
    else:
        points = (width - 1 - y, x)
        corner = (width - bottom, box.x)
    sides = (box.width, box.height) if quarters == 2 else (box.height, box.width)
    return Face(
        box=Box(x=corner[0], y=corner[1], width=sides[0], height=sides[1]),
        landmarks=np.stack(points, axis=1).astype(np.float32),
        confidence=face.confidence,
    )
