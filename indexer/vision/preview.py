"""A small JPEG of a picture, for people to look at."""

import cv2

from indexer.types import Image

SIDE_PX = 480
"""Longer side, at most."""
_QUALITY = 80


def preview(pixels: Image) -> bytes:
    """`pixels`: shape (height, width, 3), uint8 RGB."""
    height, width = pixels.shape[:2]
    scale = min(1.0, SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    return jpeg.tobytes()
