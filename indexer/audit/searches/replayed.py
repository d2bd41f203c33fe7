"""What a repeated identification answers."""

from uuid import UUID

from pydantic import BaseModel, Field

from indexer.usecases.answers import ID_EXAMPLE


class ReplayedFace(BaseModel):
    face: int = Field(description="Number of the face in the answer, from 0", examples=[0])
    same: bool = Field(description="Whether the same person would be matched, or again nobody")
    matched_then: UUID | None = Field(description="Null where nobody was", examples=[ID_EXAMPLE])
    matched_now: UUID | None = Field(description="Null where nobody is", examples=[ID_EXAMPLE])
    score_then: float | None = Field(description="Of the first person; null where nobody was enrolled")
    score_now: float | None = Field(description="Likewise, by the kept crop")
    sentences: list[str] = Field(
        description="What is different, for people",
        examples=[["Grace Hopper has since been deleted."]],
    )


class Replay(BaseModel):
    audit_id: UUID = Field(description="Of the search", examples=[ID_EXAMPLE])
    same: bool = Field(description="Whether every face that could be repeated has the same answer")
    sentences: list[str] = Field(
        description="What is different for all faces, for people",
        examples=[["The gallery has 1,204 faces now; it had 1,203."]],
    )
    threshold_then: float = Field(description="At the time of the search", examples=[0.4346])
    threshold_now: float = Field(description="Of the gallery at present", examples=[0.4346])
    faces: list[ReplayedFace] = Field(description="Those whose crop is kept")
