"""A person of the gallery whom a new face looks like."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from indexer.errors import DuplicateIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateCandidate:
    image: int
    """Number of the picture in the enrolment, from 0: the one with the highest score."""
    identity_id: UUID
    external_id: str | None
    face_id: UUID
    """The person's face that is most similar."""
    score: float
    """Of the person, as in identification."""
    threshold: float

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        return cls(
            image=stored["image"],
            identity_id=UUID(stored["identity_id"]),
            external_id=stored["external_id"],
            face_id=UUID(stored["face_id"]),
            score=stored["score"],
            threshold=stored["threshold"],
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "image": self.image,
            "identity_id": str(self.identity_id),
            "external_id": self.external_id,
            "face_id": str(self.face_id),
            "score": round(self.score, 4),
            "threshold": round(self.threshold, 4),
        }


def candidates_of(error: DuplicateIdentity) -> list[DuplicateCandidate]:
    """Whom a rejected enrolment looks like."""
    return [DuplicateCandidate.from_json(one) for one in error.details["candidates"]]
