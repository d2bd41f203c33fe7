"""Rotates pictures by quarter turns, and detected faces back."""

import numpy as np

from indexer.types import Box, Face, Image

QUARTERS = (1, 2, 3)
"""The rotations other than none, in quarter turns clockwise."""


def rotate(picture: Image, quarters: int) -> Image:
    """Clockwise by `quarters` of 90 degrees."""
    return np.ascontiguousarray(np.rot90(picture, -quarters))


def rotate_back(face: Face, quarters: int, picture: Image) -> Face:
    """A face that was detected in `rotate(picture, quarters)`, in the pixels of `picture`."""
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
