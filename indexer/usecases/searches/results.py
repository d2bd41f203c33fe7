"""What an identification and a search by an embedding find."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from indexer.attributes.estimate import Estimates
from indexer.calibration.threshold.decision import Decision
from indexer.pipeline.pipeline import AlignedFace
from indexer.records.enrolled.owners import Owner
from indexer.types import NearPerson
from indexer.usecases.searches.match_limits import UnmatchedReason
from indexer.usecases.searches.nearest import Hit
from indexer.usecases.searches.searched import SearchedFace
from indexer.visitors.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A person that a face may be."""

    owner: Owner
    person: NearPerson
    matched: bool
    disputed: int
    """How often somebody said of a match with one of the person's faces: not this person."""
    metadata: dict[str, Any] | None = None
    """Of the person; None where it was not requested."""

    @property
    def score(self) -> float:
        return self.person.score

    @property
    def distance(self) -> float:
        return distance(self.score)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IdentifiedFace:
    aligned: AlignedFace
    candidates: list[Candidate]
    unmatched_reason: UnmatchedReason | None
    """Why none of them is matched, whatever its score; None where the scores decide."""
    visit: Visit | None
    """Where the gallery remembers visitors."""
    estimates: Estimates
    """The attributes that the request asks for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Identification:
    faces: list[IdentifiedFace]
    faces_found: int
    """How many faces the picture has, requested or not."""
    model: str
    """Fingerprint."""
    gallery_size: int
    """Enrolled faces."""
    searched: int
    """Those of them that were searched: the N that the threshold is for."""
    change_number: int
    """Of the last change that was searched, at least."""
    decision: Decision
    audit_id: UUID | None
    """Of the event in the audit record; None where there is no record."""
    timings_ms: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchResult:
    """Of a search by an embedding."""

    candidates: list[Candidate]
    model: str
    gallery_size: int
    searched: int
    change_number: int
    decision: Decision
    audit_id: UUID | None
    timings_ms: dict[str, float]


def candidates(hits: Sequence[Hit], threshold: float) -> list[Candidate]:
    """Those with a score of `threshold` or more are matched."""
    return [
        Candidate(
            owner=hit.owner,
            person=hit.person,
            matched=hit.score >= threshold,
            disputed=hit.disputed,
            metadata=hit.metadata,
        )
        for hit in hits
    ]


def identified_faces(
    faces: Sequence[SearchedFace], estimates: Sequence[Estimates], threshold: float, max_candidates: int
) -> list[IdentifiedFace]:
    """As they are answered. `estimates`: of each face."""
    return [
        IdentifiedFace(
            aligned=face.aligned,
            candidates=candidates(
                face.hits[:max_candidates], math.inf if face.unmatched_reason else threshold
            ),
            unmatched_reason=face.unmatched_reason,
            visit=face.visit,
            estimates=of_face,
        )
        for face, of_face in zip(faces, estimates, strict=True)
        if face.aligned is not None
    ]


def distance(score: float) -> float:
    """Euclidean distance of two vectors of length 1 whose cosine is `score`: sqrt(2 - 2 cos)."""
    return math.sqrt(max(0.0, 2.0 - 2.0 * score))
