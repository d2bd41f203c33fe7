"""Searches that matched a person."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.records.audit import sightings
from indexer.records.audit.search_details import SearchKind
from indexer.types import Box as FaceBox
from indexer.usecases.answers import ID_EXAMPLE
from indexer.usecases.answers.faces import Box


class Sighting(BaseModel):
    audit_id: UUID = Field(
        description="Id of the event of the search: `/v1/audit/{audit_id}/explain` explains it",
        examples=[ID_EXAMPLE],
    )
    number: int = Field(description="Number of its event in the audit record", examples=[4711])
    at: datetime = Field(description="Time of the search")
    kind: SearchKind = Field(description="Kind of the search", examples=["identify"])
    caller: str = Field(
        description="Name of the API key, or the command line's user", examples=["front desk"]
    )
    face: int = Field(
        description="Number of the face in the answer, from 0; if several matched, the most similar one"
    )
    box: Box | None = Field(description="Where the face was; null for a search by an embedding")
    score: float | None = Field(
        description="Similarity to the person, -1 to 1; null for the first sighting of a visitor, who was"
        " unknown until then",
        examples=[0.7113],
    )
    threshold: float = Field(
        description="Threshold of the search: lower scores did not match", examples=[0.4671]
    )
    disputed: bool = Field(description="Whether somebody disputed the match")

    @classmethod
    def of(cls, sighting: sightings.Sighting) -> "Sighting":
        face = sighting.matched_face
        return cls(
            audit_id=sighting.event_id,
            number=sighting.number,
            at=sighting.at,
            kind=sighting.search.kind,
            caller=sighting.caller,
            face=sighting.face,
            box=_box(face.box),
            score=round(face.candidates[0].score, 4) if face.matched else None,
            threshold=round(sighting.search.decision.threshold, 4),
            disputed=sighting.disputed,
        )


def _box(sides: tuple[float, float, float, float] | None) -> Box | None:
    if sides is None:
        return None
    x, y, width, height = sides
    return Box.of(FaceBox(x=x, y=y, width=width, height=height))


class SightingPage(BaseModel):
    sightings: list[Sighting] = Field(description="The newest first")
    next_cursor: str | None = Field(description="Send it as `cursor` to get the next page; null at the end")
