"""What an enrolment answers."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.types import LandmarkSource
from indexer.usecases.answers import MODEL_EXAMPLE
from indexer.usecases.answers.attributes import AttributeEstimate, answered
from indexer.usecases.answers.enrolment import Duplicate, EnrolmentWarning, PhotographGuidance
from indexer.usecases.enrolment.quality_gate import Rejection
from indexer.usecases.enrolment.write import EnrolmentResult
from indexer.vision.advice import Advice
from service.schemas.people.identities import EnrolledFace, Identity


class RejectedPicture(BaseModel):
    """A picture that was not enrolled."""

    image: int = Field(description="Index of the picture in the request, from 0")
    code: str = Field(
        description="no_face_found, several_faces, face_too_small, face_blurred, quality_too_low,"
        " face_unrecognisable, not_live, liveness_unclear, duplicate_image, or an error code of the picture"
        " itself",
        examples=["face_too_small"],
    )
    message: str = Field(
        description="The reason, for people",
        examples=["the face is 17.2 pixels wide on its shorter side; at least 28 is required"],
    )
    measured: float | None = Field(
        examples=[17.2], default=None, description="The value that is too low or too high"
    )
    limit: float | None = Field(
        default=None, description="The limit that the value must meet", examples=[28.0]
    )
    advice: list[Advice] = Field(
        default_factory=list, description="What to do for a better picture", examples=[["come_nearer"]]
    )

    @classmethod
    def list_of(cls, rejected: dict[int, Rejection]) -> "list[RejectedPicture]":
        return [
            cls(
                image=number,
                code=r.code,
                message=r.message,
                measured=r.details.get("measured"),
                limit=r.details.get("limit"),
                advice=r.details.get("advice", []),
            )
            for number, r in rejected.items()
        ]


class EnrolmentNotes(BaseModel):
    rejected: list[RejectedPicture] = Field(description="Pictures that were not enrolled, and why")
    warnings: list[EnrolmentWarning] = Field(
        description="Faces of the person that do not resemble the person's other faces, so that one of them"
        " may be mislabelled; the oddest first"
    )
    duplicates: list[Duplicate] = Field(
        description="People of the gallery whom a new face looks like, so that one person may be enrolled"
        " twice; the best first. Empty where the gallery's `duplicate_check` is `off`"
    )
    landmark_sources: dict[UUID, LandmarkSource] = Field(
        description="Of each new face, by its id: how its landmarks came about, as in `identify`"
    )
    attributes: dict[UUID, dict[str, AttributeEstimate]] = Field(
        default_factory=dict,
        description="Of each new face, by its id, the attributes that the request names. They are"
        " estimated for this answer and not stored",
    )
    model: str = Field(
        description="Fingerprint of the model that made the embeddings", examples=[MODEL_EXAMPLE]
    )
    change_number: int = Field(
        description="Number of the gallery's last change; an index that has applied it finds these faces"
    )

    @staticmethod
    def notes_of(enrolled: EnrolmentResult) -> dict[str, Any]:
        return {
            "rejected": RejectedPicture.list_of(enrolled.rejected),
            "warnings": [EnrolmentWarning.of(odd) for odd in enrolled.odd_faces],
            "duplicates": [Duplicate.of(found) for found in enrolled.duplicates],
            "landmark_sources": enrolled.landmark_sources,
            "attributes": {
                face: answered(of_face) for face, of_face in enrolled.estimates.items() if of_face
            },
            "model": enrolled.model,
            "change_number": enrolled.change_number,
        }


class IdentityCreated(Identity, EnrolmentNotes):
    pass


class FacesAdded(EnrolmentNotes):
    faces: list[EnrolledFace] = Field(description="The new faces")
    photographs: PhotographGuidance = Field(description="How much the next photograph would help")
