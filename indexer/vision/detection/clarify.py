"""Makes a face visible for the detector in a picture that is dark, noisy or heavily compressed."""

import cv2
import numpy as np

from indexer.types import Image

SIGMA_PX = 2.5
"""Of the Gaussian that removes the noise: brightened noise hides a face, and a face of 40 pixels and more
stays visible."""
WHITE = 235
"""What the picture's brightest pixels become."""
BRIGHTEST = 99.0
"""Percentile of the pixels, by their brightest channel, that counts as the brightest."""
MIN_BRIGHTEST = 6.0
"""In a darker picture there is nothing but noise."""


def clarified(picture: Image) -> Image:
    """Smoothed, and brightened to the full range; shape and kind of `picture`: (height, width, 3), RGB."""
    smooth = cv2.GaussianBlur(picture, (0, 0), SIGMA_PX)
    brightest = max(float(np.percentile(smooth.max(axis=2), BRIGHTEST)), MIN_BRIGHTEST)
    return np.asarray(cv2.convertScaleAbs(smooth, alpha=WHITE / brightest), np.uint8)
