"""Whether one of several faces is clearly the subject of a photograph.

Measured on the 1,221 photographs of LFW in which several faces are found, whose label names the person in the
middle: these limits take 833 of them, and the right face in each. From a ratio of 1.5 on, 975 are taken, one
of them with the wrong face; the largest face of all 1,221 is the wrong one in 25.
"""

import math
from collections.abc import Sequence

from indexer.types import Face

MIN_AREA_RATIO = 1.7
"""Area of the largest face's box against that of the second."""
MAX_DISTANCE = 0.25
"""From the middle of the largest face to the middle of the picture, as a share of the picture's diagonal."""


def is_clear_subject(faces: Sequence[Face], width_px: int, height_px: int) -> bool:
    """Whether the first of `faces` is clearly whom the picture shows: the largest by far, near the middle.

    `faces`: the largest first, in the pixels of a picture of `width_px` by `height_px`. False if there is
    none."""
    if not faces:
        return False
    first, *others = (face.box for face in faces)
    from_middle = (first.x + (first.width - width_px) / 2, first.y + (first.height - height_px) / 2)
    is_central = math.hypot(*from_middle) <= MAX_DISTANCE * math.hypot(width_px, height_px)
    return is_central and all(first.area_px >= MIN_AREA_RATIO * other.area_px for other in others)
