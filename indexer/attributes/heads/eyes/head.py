"""Open or closed eyes, from two measures of each eye, both in widths of the eye.

How far the lids are apart is the eye aspect ratio (Soukupova and Cech 2016, "Real-Time Eye Blink Detection
using Facial Landmarks"). Where the upper lid lies separates a closed eye, whose lid hangs below the corners,
from one that a smile narrows. A logistic regression adds them; `benchmarks/eyes` fits it.
"""

import math
from collections.abc import Sequence

import numpy as np

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.head import FaceView, once
from indexer.attributes.heads.eyes.contours import INNER, LOWER, OUTER, UPPER, Contour, EyeContours
from indexer.attributes.heads.glasses import SUNGLASSES, GlassesHead
from indexer.types import Attribute, Image

OPEN, CLOSED = "open", "closed"
LEFT, RIGHT = "left_closed", "right_closed"
"""Scores: the probability of each eye, the person's own left and right."""

INTERCEPT, PER_OPENING, PER_LID = 5.67, -11.54, 75.10
"""Log-odds of a closed eye; fitted by likelihood on labelled faces of LFW."""
MIN_CLOSED = 0.5
"""Probability of both eyes from which they are closed."""
MAX_CLOSED = 0.18
"""Up to it, they are open. Between the two are a quarter of all eyes that a smile narrows."""

MIN_FACE_PX = 40.0
MIN_SHARPNESS = 5.0
MIN_POSE = 5.0
"""Of `Quality.pose`: a profile shows one eye only."""
MIN_SHARE_INSIDE = 0.7

AROUND_EYES = ((slice(46, 64), slice(26, 51)), (slice(46, 64), slice(62, 87)))
"""Rows and columns of a face at `ARCFACE_112` that the glasses cover."""
BARE_SKIN = ((slice(24, 34), slice(30, 82)), (slice(76, 86), slice(28, 84)))
"""Forehead, and cheeks with the nose: what glasses leave free."""
MIN_BRIGHTNESS = 0.45
"""Around the eyes, in that of the skin. Darker are dark glasses, or shadows in which no lid can be seen."""


class EyesHead:
    def __init__(self, weights: bytes, *, threads: int, glasses: GlassesHead | None = None) -> None:
        """`glasses`: without it, and where glasses are not permitted, only sunglasses that are nearly black
        are noticed. Raises RuntimeError if `weights` is no network."""
        self._contours = EyeContours(weights, threads=threads)
        self._glasses = glasses

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        """Its network runs once for a face, whoever asks."""
        return once(self, faces, self._estimates)

    def _estimates(self, faces: Sequence[FaceView]) -> list[Estimate]:
        reasons = [unsuitable(face) or self._covered(face) for face in faces]
        shown = [face for face, why in zip(faces, reasons, strict=True) if why is None]
        eyes = iter(self._contours.find(shown))
        return [self._decided(*next(eyes)) if why is None else Estimate.nothing(why) for why in reasons]

    def _covered(self, face: FaceView) -> CannotTell | None:
        if self._glasses is None or not face.permits(Attribute.GLASSES):
            return None
        return CannotTell.COVERED if self._glasses.estimate([face])[0].value == SUNGLASSES else None

    def _decided(self, right: Contour, left: Contour) -> Estimate:
        return decide(log_odds(measures(right)), log_odds(measures(left)))


def measures(contour: Contour) -> tuple[float, float]:
    """Both in widths of the eye: how far the lids are apart, and how far the upper one lies below the line
    through the corners, negative above it."""
    across = contour[INNER] - contour[OUTER]
    width = max(float(np.hypot(*across)), 1e-6)
    opening = np.hypot(*(contour[UPPER] - contour[LOWER]).T).mean() / width
    below = np.array([-across[1], across[0]]) / width
    lid = ((contour[UPPER] - contour[OUTER]) @ below).mean() / width
    return float(opening), float(lid)


def log_odds(measured: tuple[float, float]) -> float:
    """Of a closed eye. `measured`: as `measures` gives them."""
    opening, lid = measured
    return INTERCEPT + PER_OPENING * opening + PER_LID * lid


def decide(right: float, left: float) -> Estimate:
    """Log-odds of each eye; those of a face are their mean, so that a wink is undecided or open."""
    closed = probability((right + left) / 2)
    scores = {CLOSED: closed, LEFT: probability(left), RIGHT: probability(right)}
    if MAX_CLOSED < closed < MIN_CLOSED:
        return Estimate.nothing(CannotTell.UNDECIDED, scores)
    value = CLOSED if closed >= MIN_CLOSED else OPEN
    return Estimate(value=value, confidence=max(closed, 1 - closed), scores=scores)


def probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def unsuitable(face: FaceView) -> CannotTell | None:
    """Why the face does not show its eyes."""
    quality = face.quality
    if quality.face_px < MIN_FACE_PX:
        return CannotTell.TOO_SMALL
    if face.share_inside < MIN_SHARE_INSIDE:
        return CannotTell.CUT_OFF
    if quality.pose < MIN_POSE:
        return CannotTell.TURNED_AWAY
    if quality.sharpness < MIN_SHARPNESS:
        return CannotTell.TOO_BLURRED
    return CannotTell.COVERED if is_covered(face.aligned()) else None


def is_covered(aligned: Image) -> bool:
    """By dark glasses. `aligned`: at `ARCFACE_112`."""
    grey = aligned.mean(axis=2)
    skin = np.median(np.concatenate([grey[part].ravel() for part in BARE_SKIN]))
    return all(np.median(grey[part]) < MIN_BRIGHTNESS * skin for part in AROUND_EYES)
