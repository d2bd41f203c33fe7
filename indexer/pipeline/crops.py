"""A stored crop, aligned for another model."""

from collections.abc import Sequence

import numpy as np

from indexer.errors import UnreadableImage
from indexer.records.reindexes import StoredCrop
from indexer.types import Image, Template
from indexer.vision.align import align, decode_crop
from indexer.vision.decoding.decode import decode

_MAX_PIXELS = 4096 * 4096


def aligned(crop: StoredCrop, templates: Sequence[Template]) -> tuple[Image, ...]:
    """To each template, shape (side, side, 3).

    Raises UnreadableImage where no crop is stored; InvalidInput where it cannot be decoded."""
    if crop.jpeg is None or crop.landmarks is None:
        raise UnreadableImage("no crop of the face is stored")
    pixels = decode_crop(crop.jpeg)
    if pixels is None:  # damaged, or written by something else
        pixels = decode(crop.jpeg, max_pixels=_MAX_PIXELS)
    landmarks = np.array(crop.landmarks, np.float32).reshape(5, 2)
    return tuple(align(pixels, landmarks, template) for template in templates)
