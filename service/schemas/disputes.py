"""A match that somebody says to be wrong."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.records import tables
from indexer.usecases.answers import ID_EXAMPLE


class DisputeNew(BaseModel):
    model_config = {"extra": "forbid"}

    face: int = Field(default=0, ge=0, le=32_767, description="Number of the face in the answer, from 0")
    identity_id: UUID = Field(
        description="The person whom the face does not show: one of its first two candidates",
        examples=[ID_EXAMPLE],
    )


class Dispute(BaseModel):
    id: UUID = Field(description="Id of the dispute; withdraw the dispute by it", examples=[ID_EXAMPLE])
    audit_id: UUID = Field(description="Id of the search's event", examples=[ID_EXAMPLE])
    face: int = Field(description="Number of the face in the answer", examples=[0])
    identity_id: UUID = Field(description="The person whom the face does not show", examples=[ID_EXAMPLE])
    face_id: UUID = Field(
        description="The person's enrolled face that was nearest. The dispute follows it to another identity",
        examples=[ID_EXAMPLE],
    )
    score: float = Field(description="Score of the candidate", examples=[0.6412])
    disputed_by: str = Field(description="Name of the API key, or the command line's user")
    created_at: datetime = Field(description="When it was disputed")

    @classmethod
    def of(cls, dispute: tables.Dispute) -> "Dispute":
        return cls(
            id=dispute.id,
            audit_id=dispute.event_id,
            face=dispute.probe,
            identity_id=dispute.identity_id,
            face_id=dispute.face_id,
            score=round(dispute.score, 6),
            disputed_by=dispute.disputed_by,
            created_at=dispute.created_at,
        )
