"""Age and gender by two small networks of dlib's collection (contributed by Cydral Technology).

Both networks get the face as dlib cuts it out, and its mirror image; their probabilities are averaged.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.head import FaceView, once
from indexer.inference.network import Network, read
from indexer.types import Template
from indexer.vision.align import DLIB_150

AGE_PX, GENDER_PX = 64, 32
PADDING = 0.2
"""Around the face, as a share of its side; dlib's alignment for recognition has 0.25."""
MEAN = np.array([122.782, 117.001, 104.298], np.float32)
AGES = np.array([0.25, *range(1, 81)], np.float32)
"""In years, of the outputs of the network: nobody is older than 80."""

MIN_FACE_PX = 24.0
MIN_COMPONENT = 20.0
"""Of sharpness and exposure, 0 to 100. Below, errors of the age are half as large again."""
BELOW_AND_ABOVE = (
    (4.0, 1.0, 5.0),
    (10.0, 7.0, 9.0),
    (20.0, 16.0, 9.0),
    (30.0, 12.0, 19.0),
    (40.0, 14.0, 23.0),
    (50.0, 18.0, 21.0),
    (60.0, 18.0, 25.0),
    (float("inf"), 19.0, 17.0),
)
"""Estimated ages below the first figure: how far below and above the estimate 95 % of true ages lie, in
years. From a half of the pictures of docs/explanation/attributes.md, checked on the other half."""
INTERVAL_SHARE = 0.95

GENDERS = ("female", "male")
"""In the order of the network's outputs."""
GENDER_TEMPERATURE = 1.8
"""Divides the log-odds of an overconfident network; fitted on half of the pictures."""
MIN_GENDER_CONFIDENCE = 0.7
MIN_GENDER_AGE = 13.0
"""Estimated, in years: with younger children the network is hardly better than a coin."""


def _template(side_px: int) -> Template:
    share = (DLIB_150.points / 150 * 1.5 - 0.25 + PADDING) / (1 + 2 * PADDING)
    points = (share * side_px).astype(np.float32)
    return Template(name=f"dlib-{side_px}", side_px=side_px, points=points, refined=False)


class _DlibNetwork:
    """A network with its template: the face and its mirror image to mean probabilities."""

    def __init__(self, weights: bytes, side_px: int, threads: int) -> None:
        self._network = Network(read(weights), threads=threads)
        self._template = _template(side_px)

    def probabilities(self, faces: Sequence[FaceView]) -> NDArray[np.float32]:
        """Shape (n, classes)."""
        chips = np.stack([face.aligned(self._template) for face in faces]).astype(np.float32)
        inputs = ((chips - MEAN) / 256.0).transpose(0, 3, 1, 2)
        both = np.concatenate([inputs, inputs[..., ::-1]])
        [outputs] = self._network.run(np.ascontiguousarray(both))
        return np.asarray(outputs.reshape(2, len(faces), -1).mean(axis=0), np.float32)


class AgeHead:
    def __init__(self, weights: bytes, *, threads: int) -> None:
        """Raises RuntimeError if `weights` is no network."""
        self._network = _DlibNetwork(weights, AGE_PX, threads)

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        if not faces:
            return []
        return [
            Estimate.nothing(why) if (why := unusable(face)) else age_estimate(years)
            for face, years in zip(faces, self.years(faces), strict=True)
        ]

    def years(self, faces: Sequence[FaceView]) -> list[float]:
        """The mean age of each face by the network's probabilities, which runs once for a face."""
        return once(self, faces, lambda new: (self._network.probabilities(new) @ AGES).tolist())


class GenderHead:
    """It asks the age too, since it cannot tell the gender of small children."""

    def __init__(self, weights: bytes, age: AgeHead, *, threads: int) -> None:
        """Raises RuntimeError if `weights` is no network."""
        self._network = _DlibNetwork(weights, GENDER_PX, threads)
        self._age = age

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        if not faces:
            return []
        rows = self._network.probabilities(faces)
        return [
            Estimate.nothing(why) if (why := unusable(face)) else gender_estimate(row, years)
            for face, row, years in zip(faces, rows, self._age.years(faces), strict=True)
        ]


def age_estimate(years: float) -> Estimate:
    below, above = next((below, above) for limit, below, above in BELOW_AND_ABOVE if years < limit)
    return Estimate(
        value=round(years, 1),
        confidence=INTERVAL_SHARE,
        unit="years",
        interval=(max(0.0, years - below), years + above),
    )


def gender_estimate(probabilities: NDArray[np.float32], years: float) -> Estimate:
    """`probabilities`: as of `GENDERS`."""
    female, male = np.clip(probabilities.astype(np.float64), 1e-6, None)
    p_male = float(1 / (1 + (female / male) ** (1 / GENDER_TEMPERATURE)))
    scores = {"female": 1 - p_male, "male": p_male}
    if years < MIN_GENDER_AGE:
        return Estimate.nothing(CannotTell.TOO_YOUNG, scores)
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < MIN_GENDER_CONFIDENCE:
        return Estimate.nothing(CannotTell.UNDECIDED, scores)
    return Estimate(value=best, confidence=scores[best], scores=scores)


def unusable(face: FaceView) -> CannotTell | None:
    """Why neither network can tell."""
    quality = face.quality
    if quality.face_px < MIN_FACE_PX:
        return CannotTell.TOO_SMALL
    if quality.sharpness < MIN_COMPONENT:
        return CannotTell.TOO_BLURRED
    if quality.exposure < MIN_COMPONENT:
        bright = face.aligned().mean() > 127
        return CannotTell.TOO_BRIGHT if bright else CannotTell.TOO_DARK
    return None
