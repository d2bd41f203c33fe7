"""What a comparison finds."""

from dataclasses import dataclass, field
from uuid import UUID

from indexer.attributes.estimate import Estimates
from indexer.calibration.threshold.curve import Estimate
from indexer.calibration.threshold.decision import Decision
from indexer.pipeline.pipeline import AlignedFace
from indexer.usecases.explain_pair import OcclusionMap
from indexer.usecases.searches.match_limits import UnmatchedReason
from indexer.usecases.searches.results import distance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComparedFace:
    """The face of a picture that was compared."""

    aligned: AlignedFace
    faces_found: int
    """How many faces the picture has."""
    estimates: Estimates
    """The attributes that the request asks for."""
    unmatched_reason: UnmatchedReason | None = None
    """By the policy of liveness, why there is no match because of this face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityScore:
    """How near a probe is to an identity."""

    face_id: UUID
    """Of the nearest face."""
    face_score: float
    template_score: float | None
    """None where the identity has no template."""
    template_faces: int | None
    """How many faces the template is the mean of."""

    @property
    def score(self) -> float:
        """As in a search (`index.people`)."""
        if self.template_score is None:
            return self.face_score
        return (self.face_score + self.template_score) / 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Verification:
    score: float
    """Cosine similarity, -1 to 1."""
    matched: bool
    decision: Decision
    """Its rates are FMR: the comparison is with one person."""
    score_estimate: Estimate
    """The FMR of a threshold that is this score; not below what the measurements support."""
    model: str
    faces: list[ComparedFace]
    """One of each picture, in the order of the pictures."""
    identity: IdentityScore | None
    """None for a comparison of two pictures."""
    audit_id: UUID | None
    """Of the event in the audit record; None where there is no record."""
    timings_ms: dict[str, float]
    maps: list[OcclusionMap] = field(default_factory=list)
    """Of the two faces, where the request asks for an explanation."""

    @property
    def unmatched_reason(self) -> UnmatchedReason | None:
        """Why it is no match whatever the score: the first face's reason. None where the score decides."""
        return next((face.unmatched_reason for face in self.faces if face.unmatched_reason is not None), None)

    @property
    def face_id(self) -> UUID | None:
        """The enrolled face that came nearest; None for a comparison of two pictures."""
        return None if self.identity is None else self.identity.face_id

    @property
    def distance(self) -> float:
        return distance(self.score)
