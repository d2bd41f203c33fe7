"""Which parts of a face are covered: mouth and nose by a mask, a scarf or a hand, and the eyes by sunglasses.

A rule over the heads of masks and glasses. What they do not know, such as a hand over an eye, lowers the
confidence of the detector: then the head does not tell.
"""

from collections.abc import Sequence

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.head import FaceView
from indexer.attributes.heads.glasses import SUNGLASSES, GlassesHead
from indexer.attributes.heads.mask import MASK, MaskHead

EYES, MOUTH, NOSE = "eyes", "mouth", "nose"

LEAST_COVERED, MOST_BARE = 0.7, 0.3
"""Probability of a mask or of sunglasses."""
MIN_DETECTOR_CONFIDENCE = 0.9
"""Of a bare face. 3 % of the bare faces of CelebA and none of UTKFace have less, and most of those that are
half covered."""


class OcclusionHead:
    def __init__(self, mask: MaskHead, glasses: GlassesHead) -> None:
        self._mask = mask
        self._glasses = glasses

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return [
            decide(mask, glasses, face.face.confidence)
            for face, mask, glasses in zip(
                faces, self._mask.estimate(faces), self._glasses.estimate(faces), strict=True
            )
        ]


def decide(mask: Estimate, glasses: Estimate, detector_confidence: float) -> Estimate:
    """By the estimates of both heads, which have their probabilities also where they are undecided."""
    scores = {"detector": detector_confidence}
    for estimate in (mask, glasses):
        if not estimate.scores:
            return Estimate.nothing(estimate.cannot_tell or CannotTell.UNDECIDED, scores)
    below, eyes = mask.scores[MASK], glasses.scores[SUNGLASSES]
    scores |= {"mouth_and_nose": below, EYES: eyes}
    covered = ((EYES,) if eyes >= LEAST_COVERED else ()) + ((MOUTH, NOSE) if below >= LEAST_COVERED else ())
    unclear = any(MOST_BARE < probability < LEAST_COVERED for probability in (below, eyes))
    if unclear or (not covered and detector_confidence < MIN_DETECTOR_CONFIDENCE):
        return Estimate.nothing(CannotTell.UNDECIDED, scores)
    confidence = max(below, 1 - below) * max(eyes, 1 - eyes)
    return Estimate(value=covered, confidence=confidence, scores=scores)
