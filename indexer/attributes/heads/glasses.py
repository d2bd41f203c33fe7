"""Whether a face wears glasses or sunglasses, by Igor Slinko's glasses_detector (2021), a small MobileNetV3
that gets the strip with the eyes, and by how dark it is where lenses would be.

The network knows glasses only; it was trained on generated faces. Sunglasses are glasses that are darker than
the skin around them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.head import FaceView, once
from indexer.inference.network import Network, read_tflite
from indexer.types import Quality
from indexer.vision.eye_strip import EYES_128, eye_strip, lens_darkness

NONE, GLASSES, SUNGLASSES = VALUES = ("none", "glasses", "sunglasses")

WEIGHTS = np.array([[2.44, -0.41, -1.79], [2.23, 0.12, -3.55], [-4.67, 0.29, 5.34]])
"""Rows: `VALUES`. Columns: a constant, the network's output, the darkness. The softmax of their sums is the
probability (multinomial logistic regression). Fitted on one half of the pictures of
docs/explanation/attributes.md, measured on the other."""
MIN_CONFIDENCE = 0.7

MIN_FACE_PX = 36.0
"""Shorter side of the face's box. CelebA's faces (43 pixels) have an AUC of 0.97 and, reduced to 28, 0.89."""
MIN_EXPOSURE = 5.0
"""Of `Quality.exposure`."""
MIN_POSE = 5.0
"""Of `Quality.pose`: a profile."""
MIN_SHARE_INSIDE = 0.7
"""Of the face, in the picture."""
_MIDDLE_GREY = 127.5


class GlassesHead:
    def __init__(self, weights: bytes, *, threads: int) -> None:
        """Raises RuntimeError if `weights` is no network."""
        self._network = Network(read_tflite(weights), threads=threads)

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return once(GlassesHead, faces, self._estimates)

    def _estimates(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return [
            Estimate.nothing(why)
            if (why := unsuitable(face.quality, face.share_inside))
            else decide(probabilities(*self.measure(face)))
            for face in faces
        ]

    def measure(self, face: FaceView) -> tuple[float, float]:
        """The network's output for glasses, a mean over the face and its mirror image, and the darkness of
        the lenses."""
        aligned = face.aligned(EYES_128)
        strip = eye_strip(aligned)
        [outputs] = self._network.run(np.stack([strip, strip[:, ::-1]]))
        return -float(outputs.mean()), lens_darkness(aligned)


def probabilities(output: float, darkness: float) -> NDArray[np.float64]:
    """Of `VALUES`, calibrated."""
    sums = WEIGHTS @ np.array([1.0, output, darkness])
    shares = np.exp(sums - sums.max())
    return np.asarray(shares / shares.sum())


def decide(probabilities: NDArray[np.float64]) -> Estimate:
    """`probabilities`: of `VALUES`."""
    scores = dict(zip(VALUES, probabilities.tolist(), strict=True))
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < MIN_CONFIDENCE:
        return Estimate.nothing(CannotTell.UNDECIDED, scores)
    return Estimate(value=best, confidence=scores[best], scores=scores)


def unsuitable(quality: Quality, share_inside: float) -> CannotTell | None:
    """Why the face shows too little."""
    if quality.face_px < MIN_FACE_PX:
        return CannotTell.TOO_SMALL
    if share_inside < MIN_SHARE_INSIDE:
        return CannotTell.CUT_OFF
    if quality.exposure < MIN_EXPOSURE:
        bright = quality.brightness is not None and quality.brightness > _MIDDLE_GREY
        return CannotTell.TOO_BRIGHT if bright else CannotTell.TOO_DARK
    if quality.pose < MIN_POSE:
        return CannotTell.TURNED_AWAY
    return None
