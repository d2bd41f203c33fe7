"""The values that pass between packages. Frozen, no I/O, no library but NumPy.

Dataclasses that hold an array are compared by identity, since `==` on arrays has no single answer.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""Pixels, shape (height, width, 3), RGB, upright."""

Points: TypeAlias = NDArray[np.float32]
"""Five landmarks, shape (5, 2), x and y in pixels: the eye on the left as it is seen with the face upright,
the eye on the right, nose tip, the mouth corner on the left, the one on the right."""

Vectors: TypeAlias = NDArray[np.float32]
"""Embeddings, shape (n, dimension), each of Euclidean length 1."""

Keys: TypeAlias = NDArray[np.int64]
"""Face keys, shape (n,): the number of a face in PostgreSQL and in the index. Person templates have keys of
the same series."""

Owners: TypeAlias = NDArray[np.int64]
"""Shape (n,): for each face the number of its identity, from 1. The owner of a person template is minus the
number of the identity: so a row of an index says what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels of the upright picture; it may extend beyond the picture."""

    x: float
    y: float
    width: float
    height: float

    @property
    def shorter_side_px(self) -> float:
        return min(self.width, self.height)

    @property
    def area_px(self) -> float:
        return self.width * self.height


class LandmarkSource(StrEnum):
    """How the landmarks of a face came about."""

    DETECTOR = "detector"
    """Detected; refined where the model's template asks for it."""
    REFINER = "refiner"
    """The detector found no face in the box that the caller gave, the refiner of landmarks did."""
    MEAN_FACE = "mean_face"
    """Neither found one: those of an upright mean face in the middle of the box."""
    REQUEST = "request"
    """The caller gave them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Face:
    """A face as the detector found it: the first of its three shapes. The others are `pipeline.AlignedFace`
    and `Enrolment`."""

    box: Box
    landmarks: Points
    """Refined, where the model's template asks for it: see `vision.detection.refine`."""
    confidence: float
    """The detector's own, 0 to 1; 0 where it did not find the face."""
    detected: Points | None = None
    """The detector's landmarks, where `landmarks` are refined."""
    landmark_source: LandmarkSource = LandmarkSource.DETECTOR

    @property
    def detected_landmarks(self) -> Points:
        """The detector's own, whether or not there are refined ones."""
        return self.landmarks if self.detected is None else self.detected

    def landmarks_for(self, template: "Template") -> Points:
        """Those by which the face is aligned to `template`."""
        return self.landmarks if template.refined else self.detected_landmarks

    @property
    def rotation_degrees(self) -> int:
        """0, 90, 180 or 270: the clockwise rotation that makes the face most nearly upright."""
        return rotation_degrees(self.landmarks)

    def scaled(self, scale: float, vertical: float | None = None) -> "Face":
        """The same face in a picture whose sides are `scale` times as long; the height `vertical` times."""
        vertical = scale if vertical is None else vertical
        if scale == vertical == 1.0:
            return self
        box, factors = self.box, np.array([scale, vertical])
        return Face(
            box=Box(
                x=box.x * scale, y=box.y * vertical, width=box.width * scale, height=box.height * vertical
            ),
            landmarks=(self.landmarks * factors).astype(np.float32),
            confidence=self.confidence,
            detected=None if self.detected is None else (self.detected * factors).astype(np.float32),
            landmark_source=self.landmark_source,
        )


def rotation_degrees(landmarks: Points) -> int:
    """`Face.rotation_degrees`, by the line from the middle of the eyes to the middle of the mouth."""
    down_x, down_y = landmarks[3:].mean(axis=0) - landmarks[:2].mean(axis=0)
    clockwise = math.degrees(math.atan2(down_x, down_y))  # 0 where the mouth lies below the eyes
    return round(clockwise / 90.0) % 4 * 90


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Template:
    """The places of the five landmarks in the square input of a model."""

    name: str
    """Part of a model's fingerprint: another alignment makes other embeddings."""
    side_px: int
    points: Points
    refined: bool
    """Whether the landmarks are refined before a face is aligned to it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crop:
    """An upright face with a margin. It is stored so that another model can embed it later."""

    jpeg: bytes
    landmarks: Points
    """In the crop's own pixels, as the detector found them: each model refines them if its template asks for
    it."""
    refined: Points | None = None
    """Likewise, refined; only in the cache of faces for training."""

    def landmarks_for(self, template: "Template") -> Points:
        """Those by which it is aligned to `template`. Raises ValueError where they are not refined yet."""
        if not template.refined:
            return self.landmarks
        if self.refined is None:
            raise ValueError("the crop's landmarks are not refined")
        return self.refined


RECOGNISABILITY = "recognisability"
"""Its name among the stored figures of a face's quality."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How suitable a face is for recognition. Scores are 0 to 100."""

    score: float
    """The lowest of the components. It says what is wrong with a picture rather than how often such a face is
    missed."""
    size: float
    sharpness: float
    exposure: float
    pose: float
    face_px: float
    """Measured: the shorter side of the box, in pixels."""
    sharpness_ratio: float
    """Measured: the sharpness of the aligned crop, as defined in `vision.quality`."""
    recognisability: float | None = None
    """0 to 1, by the quality network; None where there is none."""
    expected_miss_rate: float | None = None
    """Share of faces of this recognisability that a search misses (`vision.miss_rate`); None likewise."""

    def components(self) -> dict[str, float]:
        return {
            "size": self.size,
            "sharpness": self.sharpness,
            "exposure": self.exposure,
            "pose": self.pose,
        }

    def stored(self) -> dict[str, float]:
        """What is recorded of an enrolled face beside its score: the components, and the recognisability if
        there is one."""
        if self.recognisability is None:
            return self.components()
        return self.components() | {RECOGNISABILITY: self.recognisability}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Enrolment:
    """A face that passed the quality gate, ready to be recorded."""

    face: Face
    quality: Quality
    vectors: Mapping[str, NDArray[np.float32]]
    """Shape (dimension,), by the fingerprint of the model: one, or two while a gallery changes its model.
    Empty until the face is embedded."""
    image_sha256: bytes
    """Of the file as it was sent."""
    crop: Crop | None
    """None if the gallery stores no crops."""


class Tier(StrEnum):
    """How an index compares a probe with the enrolled."""

    EXACT = "exact"
    """With every vector, float32."""
    EXACT_FP16 = "exact-fp16"
    """With every vector, float16."""
    COMPACT = "compact"
    """With a 4-bit code of every vector, then with the float16 vectors of a shortlist."""
    GPU = "gpu"
    """With every vector, float16, on the GPUs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An enrolled face that the index found near a probe."""

    key: int
    score: float
    """Cosine similarity, -1 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPerson:
    """An enrolled person whom the index found near a probe."""

    key: int
    """Of the nearest face."""
    score: float
    """The person's score, -1 to 1: `face_score`, or its mean with `template_score`."""
    face_score: float
    """Cosine similarity to the nearest face."""
    template_score: float | None
    """Cosine similarity to the person template; None where there is none."""
    faces: int | None
    """How many faces the template is the mean of; None where there is none."""


class PersonScore(StrEnum):
    """How the faces of a person make one score."""

    NEAREST = "nearest"
    """The score of the nearest face."""
    FUSED = "fused"
    """The mean of the scores of the nearest face and of the person template, the mean of all faces. With one
    face a person has no template, and both are the same."""


class DuplicateCheck(StrEnum):
    """What an enrolment does with a face that looks like another person of the gallery."""

    OFF = "off"
    """It does not look for one."""
    WARN = "warn"
    """The answer lists the people."""
    REVIEW = "review"
    """So does it here, and each pair of people waits for a decision."""
    REJECT = "reject"
    """Nothing is enrolled."""


class OnSeveralFaces(StrEnum):
    """What to do with a picture of several faces where one is needed."""

    REJECT = "reject"
    LARGEST = "largest"
    """Take the largest face."""
    SUBJECT = "subject"
    """Take the largest face if it is clearly the picture's subject; otherwise reject the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPosition:
    """A point in a gallery's change log. Two databases from one backup may have the same number, but not the
    same token."""

    number: int
    """Of the last change; 0 before the first one."""
    token: UUID
    """Of the same change."""


LOG_START = LogPosition(number=0, token=UUID(int=0))
"""Before the first change of any gallery: an empty index fits every log."""


class ChangeKind(StrEnum):
    ENROL = "enrol"
    DELETE = "delete"
    UPDATE = "update"
    """Metadata, external id or anonymity of an identity changed: indexes ignore it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """One row of a gallery's change log, with all that an index needs to apply it: a face, or a person
    template, was enrolled or deleted; or an identity was updated."""

    number: int
    """Counts from 1 without gaps in each gallery, in the order of the commits."""
    token: UUID
    """Drawn at random in the transaction that made the change."""
    kind: ChangeKind
    key: int
    """Of the face or template; of an update, the number of the identity."""
    vector: NDArray[np.float32] | None
    """Of an enrolment; None if the face or template has been deleted since, as a later change says, or if the
    model could not embed it."""
    owner: int | None
    """Of the face or template, as in `Owners`; None if there is no vector."""
