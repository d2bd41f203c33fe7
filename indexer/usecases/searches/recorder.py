"""Records searches in the audit record, before their answers leave."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import zip_longest
from typing import Any
from uuid import UUID

import uuid_utils.compat

from indexer.calibration.threshold.decision import Decision
from indexer.embedding.card import ModelCard
from indexer.pipeline.pipeline import AlignedFace
from indexer.records.audit import probes
from indexer.records.audit.event import Action, AuditEvent
from indexer.records.audit.search_details import (
    MAX_CANDIDATES,
    MAX_FILTER_BYTES,
    RecordedCandidate,
    RecordedDecision,
    RecordedFace,
    RecordedFilter,
    RecordedSearch,
    SearchKind,
)
from indexer.records.audit.search_writer import SearchWriter
from indexer.records.filters.people_filter import PeopleFilter
from indexer.records.tables import Gallery
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Crop
from indexer.usecases.searches.match_limits import UnmatchedReason
from indexer.usecases.searches.nearest import Hit
from indexer.visitors.visit import Visit, VisitOutcome

_NO_FACES: Mapping[int, UUID | None] = {}
_ACTIONS = {SearchKind.IDENTIFY: Action.IDENTIFIED, SearchKind.SEARCH: Action.SEARCHED}


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchedFace:
    aligned: AlignedFace | None
    """None for a search by an embedding."""
    hits: Sequence[Hit]
    """Best first."""
    unmatched_reason: UnmatchedReason | None
    visit: Visit | None = None

    @property
    def opened(self) -> UUID | None:
        """The anonymous identity that the face became."""
        is_new = self.visit is not None and self.visit.outcome is VisitOutcome.NEW
        return self.visit.identity_id if self.visit is not None and is_new else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRecorder:
    """Safe to call from several threads."""

    writer: SearchWriter | None
    """None where there is no audit record: nothing is kept then."""

    @property
    def is_on(self) -> bool:
        return self.writer is not None

    def keeps_probes(self, gallery: Gallery) -> bool:
        return self.is_on and gallery.keep_probes

    def new_event_id(self) -> UUID | None:
        """For a search that is about to be recorded; None where there is no audit record."""
        return uuid_utils.compat.uuid7() if self.is_on else None

    def record_search(
        self,
        searched: Searched,
        faces: Sequence[SearchedFace],
        watch: Stopwatch,
        *,
        event_id: UUID | None = None,
        faces_found: int | None = None,
        crops: Sequence[Crop] = (),
    ) -> UUID | None:
        """As `record`, of a search of a gallery."""
        if not self.is_on:
            return None
        with watch.stage(Stage.AUDIT):
            search = RecordedSearch(
                kind=searched.kind,
                model=searched.card.fingerprint,
                gallery_size=searched.gallery_size,
                faces_searched=searched.searched,
                among=None if searched.among is None else recorded_filter(searched.among),
                decision=recorded_decision(searched.decision, requested=searched.requested),
                faces=recorded_faces(faces, searched.decision, crops),
                faces_found=faces_found,
            )
            stored = {
                number: face.visit.face_id for number, face in enumerate(faces) if face.visit is not None
            }
            return self.record(
                search, gallery=searched.gallery, event_id=event_id, crops=crops, stored=stored
            )

    def record(
        self,
        search: RecordedSearch,
        *,
        gallery: Gallery | None = None,
        identity_id: UUID | None = None,
        event_id: UUID | None = None,
        crops: Sequence[Crop] = (),
        stored: Mapping[int, UUID | None] = _NO_FACES,
    ) -> UUID | None:
        """The id of the event; None where there is no audit record.

        `identity_id`: of a comparison with one person. `event_id`: from `new_event_id`. `crops`: of the
        probes, where the gallery keeps them; they are stored with the event or not at all. `stored`: by the
        number of the probe, the face that was remembered of it. Raises DatabaseUnavailable, Busy.
        """
        if self.writer is None:
            return None
        event = AuditEvent(
            action=_ACTIONS.get(search.kind, Action.VERIFIED),
            gallery=None if gallery is None else gallery.name,
            identity_id=identity_id or _first_matched(search),
            details=search.to_json(),
            **({} if event_id is None else {"id": event_id}),
        )
        if not crops or gallery is None:
            self.writer.record(event)
        else:
            kept = [
                probes.Probe(
                    face=number,
                    jpeg=crop.jpeg,
                    landmarks=crop.landmarks.ravel().tolist(),
                    face_id=stored.get(number) or (face.candidates[0].face_id if face.matched else None),
                )
                for number, (face, crop) in enumerate(zip(search.faces, crops, strict=True))
            ]
            self.writer.record_with(event, lambda session: probes.add(session, gallery.id, event.id, kept))
        return event.id


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
        )
        for face, crop in zip_longest(searched, crops)
    )


def compared_faces(
    faces: Sequence[tuple[AlignedFace, UnmatchedReason | None]],
    *,
    matched: bool,
    candidate: RecordedCandidate | None = None,
) -> tuple[RecordedFace, ...]:
    """Of a comparison. `faces`: each with why there is no match because of it, whatever the score.
    `candidate`: the person whom it was with."""
    return tuple(
        RecordedFace(
            **_seen(face),
            unmatched_reason=reason,
            matched=matched,
            candidates=() if candidate is None else (candidate,),
        )
        for face, reason in faces
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


def _first_matched(search: RecordedSearch) -> UUID | None:
    """The first person whom a face matched; else the first visitor whom one became."""
    for face in search.faces:
        if face.matched and face.candidates:
            return face.candidates[0].identity_id
    return next((face.remembered for face in search.faces if face.remembered is not None), None)
