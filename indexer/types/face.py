"""A detected face."""

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from indexer.types.arrays import Points
from indexer.types.template import Template


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

    def landmarks_for(self, template: Template) -> Points:
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
