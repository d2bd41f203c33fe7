"""The answer of detect."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from indexer import request_timings
from indexer.attributes.estimate import Estimates
from indexer.pipeline.pipeline import Photograph
from indexer.usecases.answers import TIMINGS_EXAMPLE, rounded_timings
from indexer.usecases.answers.faces import DetectedFace


class DetectAnswer(BaseModel):
    faces: list[DetectedFace] = Field(description="The largest first")
    faces_found: int = Field(description="How many faces the picture has, requested or not", examples=[2])
    width_px: int = Field(examples=[800], description="Of the picture as its EXIF says to show it")
    height_px: int = Field(description="Of the picture as its EXIF says to show it", examples=[600])
    timings_ms: dict[str, float] = Field(
        description=request_timings.description(), examples=[TIMINGS_EXAMPLE]
    )

    @classmethod
    def of(
        cls, photograph: Photograph, estimates: Sequence[Estimates], timings_ms: dict[str, float]
    ) -> "DetectAnswer":
        return cls(
            faces=[
                DetectedFace.of(face, of_face)
                for face, of_face in zip(photograph.faces, estimates, strict=True)
            ],
            faces_found=photograph.faces_found,
            width_px=photograph.width_px,
            height_px=photograph.height_px,
            timings_ms=rounded_timings(timings_ms),
        )
