"""A search of a gallery, and what the audit record says of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import zip_longest
from typing import Any
from uuid import UUID

from indexer.calibration.threshold.decision import Decision
from indexer.embedding.card import ModelCard
from indexer.pipeline.pipeline import AlignedFace
from indexer.records.audit.search_details import (
    MAX_CANDIDATES,
    MAX_FILTER_BYTES,
    RecordedCandidate,
    RecordedDecision,
    RecordedFace,
    RecordedFilter,
    SearchKind,
)
from indexer.records.filters.people_filter import PeopleFilter
from indexer.records.tables import Gallery
from indexer.types import Attribute, Crop
from indexer.usecases.searches.match_limits import UnmatchedReason
from indexer.usecases.searches.nearest import Hit
from indexer.visitors.visit import Visit, VisitOutcome


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Searched:
    """A search of a gallery, and what its answer is decided by."""

    kind: SearchKind
    gallery: Gallery
    card: ModelCard
    """Of the gallery's model."""
    gallery_size: int
    """Enrolled faces."""
    searched: int
    """Those of them that were searched: the N that the threshold is for."""
    among: PeopleFilter | None
    """Whom the caller selected; None: everybody."""
    decision: Decision
    requested: bool
    """Whether the caller gave the threshold."""
    attributes: tuple[Attribute, ...] = ()
    """Those that the caller requested."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchedFace:
    aligned: AlignedFace | None
    """None for a search by an embedding."""
    hits: Sequence[Hit]
    """Best first."""
    unmatched_reason: UnmatchedReason | None
    visit: Visit | None = None
    liveness: str | None = None
    """The verdict of the gallery's policy; None: it has none."""

    @property
    def opened(self) -> UUID | None:
        """The anonymous identity that the face became."""
        is_new = self.visit is not None and self.visit.outcome is VisitOutcome.NEW
        return self.visit.identity_id if self.visit is not None and is_new else None


def recorded_filter(people: PeopleFilter) -> RecordedFilter:
    size = len(people.text.encode())
    return RecordedFilter(text=people.text if size <= MAX_FILTER_BYTES else None, sha256=people.sha256)


def recorded_faces(
    searched: Sequence[SearchedFace], decision: Decision, crops: Sequence[Crop] = ()
) -> tuple[RecordedFace, ...]:
    """`crops`: of the faces, or none."""
    return tuple(
        RecordedFace(
            **_seen(face.aligned),
            unmatched_reason=face.unmatched_reason,
            matched=not face.unmatched_reason
            and any(hit.score >= decision.threshold for hit in face.hits[:1]),
            candidates=tuple(map(_recorded, face.hits[:MAX_CANDIDATES])),
            crop_sha256=None if crop is None else sha256(crop.jpeg).hexdigest(),
            remembered=face.opened,
            liveness=face.liveness,
        )
        for face, crop in zip_longest(searched, crops)
    )


def compared_faces(
    faces: Sequence[tuple[AlignedFace, UnmatchedReason | None, str | None]],
    *,
    matched: bool,
    candidate: RecordedCandidate | None = None,
) -> tuple[RecordedFace, ...]:
    """Of a comparison. `faces`: each with why there is no match because of it, whatever the score, and
    with the verdict of the policy of liveness. `candidate`: the person whom it was with."""
    return tuple(
        RecordedFace(
            **_seen(face),
            unmatched_reason=reason,
            matched=matched,
            candidates=() if candidate is None else (candidate,),
            liveness=liveness,
        )
        for face, reason, liveness in faces
    )


def recorded_decision(decision: Decision, *, requested: bool) -> RecordedDecision:
    """`requested`: whether the caller gave the threshold."""
    estimate = decision.estimate
    return RecordedDecision(
        threshold=decision.threshold,
        requested=requested,
        target=decision.target,
        estimate=estimate.fpir,
        interval=estimate.interval,
        trusted=estimate.trusted,
        calibration=decision.calibration.kind,
        calibration_id=decision.calibration.id,
    )


def _seen(aligned: AlignedFace | None) -> dict[str, Any]:
    if aligned is None:
        return {"box": None, "quality": None}
    box = aligned.face.box
    measured = asdict(aligned.quality)
    return {
        "box": (box.x, box.y, box.width, box.height),
        "quality": {name: figure for name, figure in measured.items() if figure is not None},
    }


def _recorded(hit: Hit) -> RecordedCandidate:
    return RecordedCandidate(
        identity_id=hit.owner.identity_id,
        face_id=hit.owner.face_id,
        score=hit.score,
        face_score=hit.person.face_score,
        template_score=hit.person.template_score,
    )
