"""A stored crop, aligned for another model."""

from collections.abc import Sequence

import numpy as np

from indexer.errors import UnreadableImage
from indexer.records.reindexes import StoredCrop
from indexer.types import Image, Template
from indexer.vision.align import align, decode_crop
from indexer.vision.decoding.decode import decode
from indexer.vision.detection.refine import LandmarkRefiner

_MAX_PIXELS = 4096 * 4096


def aligned(crop: StoredCrop, templates: Sequence[Template], refiner: LandmarkRefiner) -> tuple[Image, ...]:
    """To each template, shape (side, side, 3).

    Landmarks are refined here, not when the crop is stored: so every crop fits every model, an old crop too.
    The refiner reads no more of a photograph than a crop shows, and finds the same landmarks in both.

    Raises UnreadableImage where no crop is stored; InvalidInput where it cannot be decoded."""
    if crop.jpeg is None or crop.landmarks is None:
        raise UnreadableImage("no crop of the face is stored")
    pixels = decode_crop(crop.jpeg)
    if pixels is None:  # damaged, or written by something else
        pixels = decode(crop.jpeg, max_pixels=_MAX_PIXELS)
    landmarks = np.array(crop.landmarks, np.float32).reshape(5, 2)
    refined = landmarks
    if any(template.refined for template in templates):
        refined = refiner.refine(pixels, landmarks)
    return tuple(
        align(pixels, refined if template.refined else landmarks, template) for template in templates
    )
