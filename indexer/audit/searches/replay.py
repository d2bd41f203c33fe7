"""Repeats an identification with the crops that were kept, against the gallery as it is now."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from indexer.audit.searches.explanation import recorded_search
from indexer.audit.searches.replayed import Replay, ReplayedFace
from indexer.calibration.threshold.decision import Decision
from indexer.embedding.embedder import stacked
from indexer.errors import CropNotStored, InvalidRequest
from indexer.pipeline.crops import aligned
from indexer.records import galleries
from indexer.records.audit import present, probes, rows
from indexer.records.audit.event import Action, AuditEvent
from indexer.records.audit.search_details import RecordedFace, RecordedSearch
from indexer.records.database.session import Database
from indexer.records.filters.people_filter import PeopleFilter
from indexer.records.reindexes import StoredCrop
from indexer.records.tables import Gallery
from indexer.request_timings import Stopwatch
from indexer.types import LivenessPolicy, Quality
from indexer.usecases.bootstrap import Engine
from indexer.usecases.searches.match_limits import UnmatchedReason
from indexer.usecases.searches.nearest import Hit, nearest_people

_BY_LIVENESS = (UnmatchedReason.NOT_LIVE, UnmatchedReason.LIVENESS_UNCLEAR)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Now:
    """The gallery at present, as the sentences need it."""

    faces: dict[UUID, present.PresentFace]
    """Enrolled faces that the event names."""
    people: dict[UUID, present.PresentPerson]

    def named(self, identity_id: UUID) -> str:
        person = self.people.get(identity_id)
        if person is None:
            return f"a person who has since been deleted ({identity_id})"
        return person.name or f"a person without a name ({identity_id})"


def replay(engine: Engine, event_id: UUID) -> Replay:
    """By the model that the gallery has now; where that is another one, the answer says so.

    Raises AuditEventNotFound, InvalidRequest, CropNotStored, GalleryNotFound, EmbeddingsMissing,
    IndexNotReady, ModelUnavailable, UnreadableImage.
    """
    with engine.database.reading() as session:
        row = rows.get(session, event_id)
        search = recorded_search(row)
        kept = probes.of_event(session, event_id)
        if not kept or row.gallery is None:
            raise CropNotStored(
                "this search cannot be repeated: no crop of its faces is kept", id=str(event_id)
            )
        gallery = galleries.get(session, row.gallery)
    among = _among(search)
    pipeline = engine.pipelines.for_gallery(gallery)
    numbers = sorted(kept)
    pictures = [
        aligned(
            StoredCrop(key=number, jpeg=kept[number].jpeg, landmarks=kept[number].landmarks),
            pipeline.templates,
            pipeline.refiner,
        )
        for number in numbers
    ]
    vectors = pipeline.embedder.embed(*stacked(pictures))
    hits, size, searched, _ = nearest_people(
        engine.database,
        engine.index_cache,
        gallery,
        pipeline.card,
        vectors,
        2,
        Stopwatch(),
        among=among,
    )
    details = {"audit_id": event_id, "gallery_size": size}
    engine.search_writer.record(AuditEvent(action=Action.REPLAYED, gallery=gallery.name, details=details))
    threshold = search.decision.threshold if search.decision.requested else None
    decision = engine.calibrations.decide(gallery, pipeline.card, searched, threshold)
    now = _present(engine.database, search, hits)
    faces = [
        _face(
            number,
            search.faces[number],
            found,
            _reason(engine, gallery, search.faces[number]),
            decision,
            row.at,
            now,
        )
        for number, found in zip(numbers, hits, strict=True)
    ]
    return Replay(
        audit_id=event_id,
        same=all(face.same for face in faces),
        sentences=_changes(search, decision, size, searched, pipeline.card.fingerprint),
        threshold_then=search.decision.threshold,
        threshold_now=round(decision.threshold, 6),
        faces=faces,
    )


def _among(search: RecordedSearch) -> PeopleFilter | None:
    """Whom the search was among, as they are now. Raises InvalidRequest."""
    if search.among is None:
        return None
    if search.among.text is None:
        raise InvalidRequest(
            "this search cannot be repeated: its filter was too long for the record, which has its SHA-256"
            f" {search.among.sha256}",
            field="audit_id",
        )
    return PeopleFilter.parse(json.loads(search.among.text))


def _present(database: Database, search: RecordedSearch, hits: Sequence[Sequence[Hit]]) -> _Now:
    candidates = [candidate for face in search.faces for candidate in face.candidates]
    with database.reading() as session:
        faces = present.faces(session, {candidate.face_id for candidate in candidates})
        named = {candidate.identity_id for candidate in candidates}
        named |= {face.identity_id for face in faces.values()}
        named |= {hit.owner.identity_id for row in hits for hit in row}
        return _Now(faces=faces, people=present.people(session, named))


def _reason(engine: Engine, gallery: Gallery, face: RecordedFace) -> str | None:
    """Why the gallery's policy lets the face match nobody, now. Whether it is live is not estimated again."""
    if face.unmatched_reason in _BY_LIVENESS and gallery.liveness == LivenessPolicy.REJECT:
        return face.unmatched_reason
    if face.quality is None:
        return None
    return engine.identifier.match_limits.for_gallery(gallery).reason_against(Quality(**face.quality))


def _face(
    number: int,
    then: RecordedFace,
    hits: Sequence[Hit],
    reason: str | None,
    decision: Decision,
    at: datetime,
    now: _Now,
) -> ReplayedFace:
    before = then.candidates[0] if then.candidates else None
    after = hits[0] if hits else None
    matched_then = before.identity_id if before is not None and then.matched else None
    matched_now = None
    if after is not None and reason is None and after.score >= decision.threshold:
        matched_now = after.owner.identity_id
    return ReplayedFace(
        face=number,
        same=matched_then == matched_now,
        matched_then=matched_then,
        matched_now=matched_now,
        score_then=None if before is None else before.score,
        score_now=None if after is None else round(after.score, 6),
        sentences=[
            _verdict(matched_then, matched_now, now),
            *_differences(then, after, reason, at, now),
        ],
    )


def _verdict(then: UUID | None, now_matched: UUID | None, now: _Now) -> str:
    if then == now_matched:
        answer = "nobody is matched" if then is None else f"{now.named(then)} is matched"
        return f"The answer is the same: {answer}."
    was = "nobody was matched" if then is None else f"{now.named(then)} was matched"
    is_now = "nobody is" if now_matched is None else f"{now.named(now_matched)} is"
    return f"The answer is another one: {was}, and {is_now} now."


def _differences(
    then: RecordedFace, after: Hit | None, reason: str | None, at: datetime, now: _Now
) -> list[str]:
    found: list[str] = []
    if reason != then.unmatched_reason:
        found.append(
            "The gallery's policy for bad photographs is another one: it"
            f" {'lets this face match now' if reason is None else 'does not let this face match now'}."
        )
    before = then.candidates[0] if then.candidates else None
    if before is not None:
        enrolled = now.faces.get(before.face_id)
        if before.identity_id not in now.people:
            found.append("The person whom the face resembled most has since been deleted.")
        elif enrolled is None:
            found.append(f"The enrolled face of {now.named(before.identity_id)} has since been deleted.")
        if enrolled is not None and enrolled.identity_id != before.identity_id:
            found.append(f"The enrolled face belongs to {now.named(enrolled.identity_id)} now.")
    if after is not None and (before is None or after.owner.identity_id != before.identity_id):
        person = now.people.get(after.owner.identity_id)
        since = ", who has been enrolled since" if person is not None and person.created_at > at else ""
        found.append(
            f"The most similar person is {now.named(after.owner.identity_id)} now{since}, with a score of"
            f" {after.score:.3f}."
        )
    elif after is not None and before is not None:
        found.append(f"The score is {after.score:.3f}; it was {before.score:.3f}.")
    return found


def _changes(search: RecordedSearch, decision: Decision, size: int, searched: int, model: str) -> list[str]:
    then, found = search.decision, []
    if model != search.model:
        found.append(f"The gallery's model is {model} now; it was {search.model}. Their scores differ.")
    if size != search.gallery_size:
        found.append(f"The gallery has {size:,} enrolled faces now; it had {search.gallery_size:,}.")
    if search.among is not None and searched != search.searched:
        found.append(f"The filter selects {searched:,} of them now; it selected {search.searched:,}.")
    if decision.target != then.target:
        found.append(f"The policy is a rate of {decision.target:g} now; it was {then.target:g}.")
    if (decision.calibration.kind, decision.calibration.id) != (then.calibration, then.calibration_id):
        found.append("The calibration is another one.")
    if abs(decision.threshold - then.threshold) > 1e-6:
        found.append(f"The threshold is {decision.threshold:.3f} now; it was {then.threshold:.3f}.")
    return found
