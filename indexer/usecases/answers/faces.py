"""A face in an answer: where it is, and how good."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, Field

from indexer.attributes.advised import advised
from indexer.attributes.estimate import NO_ESTIMATES, Estimates
from indexer.pipeline.pipeline import AlignedFace
from indexer.types import RECOGNISABILITY, LandmarkSource, Points
from indexer.types import Box as FaceBox
from indexer.types import Quality as FaceQuality
from indexer.usecases.answers.attributes import Attributes, answered
from indexer.vision.advice import Advice, advice
from indexer.vision.miss_rate import expected_miss_rate


class Box(BaseModel):
    """Pixels of the picture as its EXIF says to show it; the corner may lie outside the picture."""

    model_config = {
        "json_schema_extra": {"examples": [{"x": 178.0, "y": 63.6, "width": 90.5, "height": 111.9}]}
    }

    x: float = Field(description="Left edge")
    y: float = Field(description="Upper edge")
    width: float = Field(description="To the right")
    height: float = Field(description="Downwards")

    @classmethod
    def of(cls, box: FaceBox) -> "Box":
        return cls(**{side: round(getattr(box, side), 1) for side in ("x", "y", "width", "height")})


class Landmarks(BaseModel):
    """[x, y] in pixels of the picture as its EXIF says to show it; left and right with the face upright."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "left_eye": [200.3, 101.7],
                    "right_eye": [246.2, 102.7],
                    "nose": [219.6, 124.0],
                    "mouth_left": [199.0, 142.5],
                    "mouth_right": [238.6, 143.2],
                }
            ]
        }
    }

    left_eye: list[float] = Field(description="The eye on the picture's left")
    right_eye: list[float] = Field(description="The eye on the picture's right")
    nose: list[float] = Field(description="Its tip")
    mouth_left: list[float] = Field(description="The corner on the picture's left")
    mouth_right: list[float] = Field(description="The corner on the picture's right")

    @classmethod
    def of(cls, points: Points | Sequence[float]) -> "Landmarks":
        pairs = np.round(np.asarray(points, np.float64).reshape(5, 2), 1).tolist()
        return cls(**dict(zip(cls.model_fields, pairs, strict=True)))


class Quality(BaseModel):
    """The score is the worst of the four components, 0 to 100 each. They say what may be wrong with a
    picture; the quality network says how often such a face is missed."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "score": 88.7,
                    "size": 100.0,
                    "sharpness": 92.4,
                    "exposure": 100.0,
                    "pose": 88.7,
                    "recognisability": 0.5934,
                    "expected_miss_rate": 0.03,
                }
            ]
        }
    }

    score: float = Field(description="The worst of the components")
    size: float = Field(description="Whether the face is large enough in the picture")
    sharpness: float = Field(description="Whether it is in focus")
    exposure: float = Field(description="Whether it is neither too dark nor too bright")
    pose: float = Field(description="Whether it is turned towards the lens")
    recognisability: float | None = Field(
        default=None,
        description="By the quality network, 0 to 1; good faces have about 0.6. Null where there is no such"
        " network, or was none when the face was enrolled",
    )
    expected_miss_rate: float | None = Field(
        default=None,
        description="Share of faces of this recognisability that a search misses at an FPIR of 1 %; null"
        " likewise",
    )

    @classmethod
    def of(cls, quality: FaceQuality) -> "Quality":
        return cls.from_stored(quality.score, quality.stored())

    @classmethod
    def from_stored(cls, score: float, values: Mapping[str, float]) -> "Quality":
        """`values`: as `types.Quality.stored` gives them; enrolled faces have no recognisability if there was
        no quality network."""
        recognisability = values.get(RECOGNISABILITY)
        return cls(
            score=round(score, 1),
            **{name: round(value, 1) for name, value in values.items() if name != RECOGNISABILITY},
            recognisability=None if recognisability is None else round(recognisability, 4),
            expected_miss_rate=None
            if recognisability is None
            else round(expected_miss_rate(recognisability), 3),
        )


RotationDegrees = Annotated[
    Literal[0, 90, 180, 270],
    Field(
        description="The clockwise rotation that brings the face nearest to upright: not 0 where the picture"
        " lies on its side or its head without an EXIF orientation that says so. Box and landmarks are in"
        " pixels of the picture before that rotation",
        examples=[0],
    ),
]


class DetectedFace(BaseModel):
    box: Box = Field(description="Where the face is")
    landmarks: Landmarks = Field(description="Its five points")
    rotation_degrees: RotationDegrees
    confidence: float = Field(description="The detector's, 0 to 1; 0 where it did not find the face")
    landmark_source: LandmarkSource = Field(
        description="How the landmarks came about: `detector`, in the picture, or in the box that was given;"
        " where it found no face in a given box, `refiner`, a network that gets the face alone, or"
        " `mean_face`, an upright mean face in the middle of the box; `request`, the caller gave them",
        examples=["detector"],
    )
    quality: Quality = Field(description="How fit it is to be recognised")
    advice: list[Advice] = Field(
        default_factory=list,
        description="What to do for a better picture, by the components of the quality, by how much of the"
        " face is in the picture, and by the attributes `mask` and `glasses` where they are requested; the"
        " attribute `quality` knows more",
        examples=[["come_nearer"]],
    )
    attributes: Attributes

    @classmethod
    def of(cls, aligned: AlignedFace, estimates: Estimates = NO_ESTIMATES) -> "DetectedFace":
        return cls(**cls.fields_of(aligned, estimates))

    @classmethod
    def fields_of(cls, aligned: AlignedFace, estimates: Estimates = NO_ESTIMATES) -> dict[str, Any]:
        face = aligned.face
        return {
            "box": Box.of(face.box),
            "landmarks": Landmarks.of(face.landmarks),
            "rotation_degrees": face.rotation_degrees,
            "confidence": round(face.confidence, 4),
            "landmark_source": face.landmark_source,
            "quality": Quality.of(aligned.quality),
            "advice": list(
                advice(aligned.quality, share_inside=aligned.share_inside, advised=advised(estimates))
            ),
            "attributes": answered(estimates),
        }
