"""What an enrolment says beside the faces: warnings, and how much the next photograph would help."""

from dataclasses import asdict
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.duplicates.candidate import DuplicateCandidate
from indexer.types import PersonScore
from indexer.usecases.enrolment.photographs import guidance
from indexer.usecases.odd_faces import OddFace


class EnrolmentWarning(BaseModel):
    """Something about an enrolled face that a person should look at. The face is enrolled nevertheless."""

    code: str = Field(description="unlike_other_faces", examples=["unlike_other_faces"])
    message: str = Field(description="The reason, for people")
    face_id: UUID = Field(description="The face, which may be one that was enrolled earlier")
    measured: float = Field(
        description="Score of the face with the mean of the person's other faces", examples=[0.1131]
    )
    limit: float = Field(description="Lower scores are reported", examples=[0.2961])

    @classmethod
    def of(cls, odd: OddFace) -> "EnrolmentWarning":
        message = f"this face does not resemble the person's other {odd.faces - 1} faces"
        if odd.faces == 2:
            message = "the two faces of the person do not resemble each other"
        return cls(
            code="unlike_other_faces",
            message=f"{message}: is it a photograph of somebody else?",
            face_id=odd.face_id,
            measured=round(odd.score, 4),
            limit=round(odd.limit, 4),
        )


class Duplicate(BaseModel):
    """Another person of the gallery whom a new face looks like."""

    image: int = Field(description="Index of the picture in the request, from 0")
    identity_id: UUID = Field(description="The other person")
    external_id: str | None = Field(description="Of the other person; null if none was set")
    face_id: UUID = Field(description="The most similar face of the other person")
    score: float = Field(description="Similarity to the other person, -1 to 1", examples=[0.7113])
    threshold: float = Field(description="Lower scores are not reported", examples=[0.5474])

    @classmethod
    def of(cls, found: DuplicateCandidate) -> "Duplicate":
        return cls(**found.as_json())


class PhotographGuidance(BaseModel):
    """How much the next photograph of the person would help."""

    photographs: int = Field(description="Enrolled faces of the person", examples=[1])
    missed: float | None = Field(
        description="Share of searches that missed people with so many photographs, measured on LFW at an"
        " FPIR of 1 %; with more than five, of those with five; null without a photograph",
        examples=[0.0945],
    )
    missed_with_one_more: float | None = Field(
        description="The same with one photograph more; null where it was not measured", examples=[0.0296]
    )
    advice: str = Field(
        description="The same in words",
        examples=[
            "With one photograph, 9.4% of searches missed the person; with 2, 3.0%. (Measured on LFW.)"
        ],
    )

    @classmethod
    def of(cls, photographs: int, person_score: str) -> "PhotographGuidance":
        return cls(**asdict(guidance(photographs, PersonScore(person_score))))
