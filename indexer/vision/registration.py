"""Are two pictures of a face views of one flat picture?

Two views of a plane differ by a homography, however the plane or the lens was moved; so do a picture that
was sent twice, or shifted, turned, enlarged, or stored again. The face of a head that turns, speaks or blinks
does not.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from indexer.types import Image

SIDE_PX = 56
INNER = (slice(36, 106), slice(22, 92))
"""Rows and columns of the face at 112 x 112 pixels, from the brows to the chin. What is around it may be cut
off by the picture's edge, or be another background."""
_MIN_CONTRAST = 1.0
"""Standard deviation of the grey levels."""
_ITERATIONS = 50
_PRECISION = 1e-4
_FILTER_PX = 5


def has_contrast(face: Image) -> bool:
    """Without it, nothing can be mapped. `face`: aligned, of shape (112, 112, 3)."""
    return bool(_prepared(face).std() >= _MIN_CONTRAST)


def planar_correlation(first: Image, second: Image) -> float:
    """How well a homography maps one aligned face onto the other: the enhanced correlation coefficient
    (Evangelidis and Psarakis 2008), at most 1; -1 where it finds none. Both of shape (112, 112, 3)."""
    warp = np.identity(3, np.float32)
    everywhere = np.full((SIDE_PX, SIDE_PX), 255, np.uint8)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ITERATIONS, _PRECISION)
    try:
        found, _ = cv2.findTransformECC(
            _prepared(first), _prepared(second), warp, cv2.MOTION_HOMOGRAPHY, criteria, everywhere, _FILTER_PX
        )
    except cv2.error:  # it does not converge, or a face has no contrast
        return -1.0
    return float(found)


def _prepared(picture: Image) -> NDArray[np.float32]:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey[INNER], (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.float32)
