"""Scales stored crops down, for lists of many faces."""

import cv2
import numpy as np

from indexer.vision.align import decode_crop

_JPEG_QUALITY = 82


def thumbnail(jpeg: bytes, side_px: int) -> bytes:
    """A JPEG of `side_px` x `side_px` pixels; the crop itself if it is smaller, or damaged."""
    pixels = decode_crop(jpeg)
    if pixels is None or pixels.shape[0] <= side_px:
        return jpeg
    small = cv2.resize(pixels, (side_px, side_px), interpolation=cv2.INTER_AREA)
    encoded, made = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    )
    return np.asarray(made, np.uint8).tobytes() if encoded else jpeg
