"""A small JPEG of a picture, for people to look at."""

import cv2
import numpy as np

from indexer.types import Image

SIDE_PX = 480
"""Longer side, at most."""
_QUALITY = 80


def preview(pixels: Image, side_px: int = SIDE_PX) -> bytes:
    """`pixels`: shape (height, width, 3), uint8 RGB. `side_px`: the longer side, at most."""
    height, width = pixels.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    return jpeg.tobytes()


def preview_of_trusted(data: bytes, side_px: int) -> bytes:
    """Only for files of installed packages: files from clients go through `vision/decoding`."""
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return preview(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8), side_px)
