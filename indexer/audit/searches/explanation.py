"""Why the answer of a search was what it was: in words, in figures, and with the crops that are kept."""

import json
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.audit.searches import sentences
from indexer.errors import InvalidRequest
from indexer.records.audit import disputes, present, probes, rows
from indexer.records.audit.event import Action
from indexer.records.audit.present import PresentFace, PresentPerson
from indexer.records.audit.probes import Probe
from indexer.records.audit.rows import AuditRow
from indexer.records.audit.search_details import RecordedCandidate, RecordedFace, RecordedSearch
from indexer.records.database.session import Database
from indexer.records.tables import Dispute
from indexer.usecases.answers import ID_EXAMPLE, MODEL_EXAMPLE

SEARCHES = frozenset({Action.IDENTIFIED, Action.SEARCHED, Action.VERIFIED})


class ExplainedCandidate(BaseModel):
    identity_id: UUID = Field(description="The person's id at the time", examples=[ID_EXAMPLE])
    name: str | None = Field(
        description="Name or external id now; null where there is none, or the person was deleted",
        examples=["Grace Hopper"],
    )
    face_id: UUID = Field(description="The person's enrolled face that was nearest", examples=[ID_EXAMPLE])
    score: float = Field(description="Of the person, by which it was decided", examples=[0.6412])
    face_score: float = Field(description="Cosine similarity to that face", examples=[0.6307])
    template_score: float | None = Field(
        description="Cosine similarity to the person template; null where there was none", examples=[0.6517]
    )
    above_threshold: float = Field(description="Score less the threshold; negative below it", examples=[0.2])
    person_exists: bool = Field(description="Whether the person is still enrolled")
    face_exists: bool = Field(description="Whether the enrolled face still exists")
    face_owner: UUID | None = Field(
        description="Whom the face belongs to now; null where it was deleted", examples=[ID_EXAMPLE]
    )
    crop: str | None = Field(
        description="Path of the enrolled face's crop in this API; null where none is stored",
        examples=[f"/v1/galleries/staff/identities/{ID_EXAMPLE}/faces/{ID_EXAMPLE}/crop"],
    )
    disputes: list["ExplainedDispute"] = Field(description="Disputes: the face is said not to be this person")


class ExplainedDispute(BaseModel):
    id: UUID = Field(description="By which it is withdrawn", examples=[ID_EXAMPLE])
    disputed_by: str = Field(description="Name of the API key, or the command line's user")
    created_at: datetime = Field(description="When it was disputed")


class ExplainedFace(BaseModel):
    matched: bool = Field(description="Whether the first candidate was a match")
    unmatched_reason: str | None = Field(description="As in the answer")
    sentences: list[str] = Field(
        description="Why the answer was what it was, for people",
        examples=[["The face was matched with Grace Hopper: a score of 0.641, 0.206 above the threshold."]],
    )
    warnings: list[str] = Field(description="What makes the answer less certain, for people", examples=[[]])
    margin_to_second: float | None = Field(
        description="Score of the first person less that of the second; null where there was no second",
        examples=[0.5],
    )
    box: list[float] | None = Field(
        description="x, y, width and height in the photograph; null for an embedding",
        examples=[[178.0, 63.6, 90.5, 111.9]],
    )
    quality: dict[str, float] | None = Field(
        description="The measured quality; null for an embedding", examples=[{"score": 88.7}]
    )
    candidates: list[ExplainedCandidate] = Field(description="The first two, best first")
    crop_sha256: str | None = Field(description="Of the probe's crop, in hex; null where none was kept")
    crop: str | None = Field(
        description="Path of the probe's crop in this API; null where none was kept, or it was deleted",
        examples=[f"/v1/audit/{ID_EXAMPLE}/faces/0/crop"],
    )


class Explanation(BaseModel):
    """Of an identification, a search or a comparison."""

    audit_id: UUID = Field(description="Of the event", examples=[ID_EXAMPLE])
    at: datetime = Field(description="When it was answered")
    caller: str = Field(description="Name of the API key, or the command line's user", examples=["door-3"])
    gallery: str | None = Field(description="Its name then; null for two photographs", examples=["staff"])
    sentences: list[str] = Field(
        description="The request, and what the threshold means, for people",
        examples=[["Of 10,000 searches for strangers, about 100 would reach this threshold."]],
    )
    model: str = Field(description="Fingerprint of the model", examples=[MODEL_EXAMPLE])
    gallery_size: int = Field(description="Enrolled faces; 1 for a comparison")
    faces_searched: int = Field(
        description="Those of them that were searched: N. Fewer than `gallery_size` where there was a filter"
    )
    filter: str | None = Field(
        description="The filter of the request, as JSON; null where it had none, or a very long one",
        examples=['{"metadata": {"site": "A"}}'],
    )
    threshold: float = Field(description="The least score that matched", examples=[0.4346])
    threshold_requested: bool = Field(description="Whether the request gave the threshold")
    target_rate: float = Field(description="The policy: an FPIR; of a comparison, an FMR", examples=[0.01])
    estimated_rate: float = Field(description="The rate of the threshold used", examples=[0.01])
    rate_trusted: bool = Field(description="Whether the measurements support the estimate")
    calibration: str = Field(description="`gallery`, `model` or `card`", examples=["card"])
    calibration_id: UUID | None = Field(description="Of the calibration; null for a card", examples=[None])
    pair_score: float | None = Field(
        description="Of two photographs; null for other searches", examples=[None]
    )
    faces: list[ExplainedFace] = Field(description="The largest first; of a pair, one of each photograph")


def recorded_search(row: AuditRow) -> RecordedSearch:
    """Raises InvalidRequest if the event is no search."""
    if row.action not in SEARCHES:
        raise InvalidRequest(f"the event is {row.action}; only searches can be explained", field="audit_id")
    return RecordedSearch.from_json(json.loads(row.details))


def explain(database: Database, event_id: UUID) -> Explanation:
    """Raises AuditEventNotFound, InvalidRequest."""
    with database.reading() as session:
        row = rows.get(session, event_id)
        search = recorded_search(row)
        candidates = [candidate for face in search.faces for candidate in face.candidates]
        faces = present.faces(session, {candidate.face_id for candidate in candidates})
        people = present.people(
            session,
            {c.identity_id for c in candidates} | {face.identity_id for face in faces.values()},
        )
        kept = probes.of_event(session, event_id)
        disputed = disputes.of_event(session, event_id)

    def named(identity_id: UUID) -> str:
        if identity_id not in people:
            return f"a person who has since been deleted ({identity_id})"
        return people[identity_id].name or f"a person without a name ({identity_id})"

    def explained(face: RecordedFace, number: int) -> ExplainedFace:
        said = [dispute for dispute in disputed if dispute.probe == number]
        first_two = [candidate.score for candidate in face.candidates[:2]]
        return ExplainedFace(
            matched=face.matched,
            unmatched_reason=face.unmatched_reason,
            sentences=[
                *sentences.of_face(search, number, named),
                *_since(face, faces, named, people),
                *_said(said, named),
                *_crop_sentence(face, number in kept),
            ],
            warnings=[*sentences.warnings(search, number), *_exchanged(face, kept.get(number))],
            margin_to_second=round(first_two[0] - first_two[1], 6) if len(first_two) == 2 else None,
            box=None if face.box is None else list(face.box),
            quality=None if face.quality is None else dict(face.quality),
            candidates=[
                _candidate(candidate, search.decision.threshold, faces, people, said)
                for candidate in face.candidates
            ],
            crop_sha256=face.crop_sha256,
            crop=f"/v1/audit/{event_id}/faces/{number}/crop" if number in kept else None,
        )

    details: dict[str, Any] = {
        name: value for name, value in search.to_json().items() if name in Explanation.model_fields
    }
    return Explanation(
        **details
        | {
            "audit_id": event_id,
            "at": row.at,
            "caller": row.caller,
            "gallery": row.gallery,
            "faces_searched": search.searched,
            "filter": None if search.among is None else search.among.text,
            "sentences": [
                sentences.of_request(search, row.gallery, named),
                *sentences.of_threshold(search),
            ],
            "faces": [explained(face, number) for number, face in enumerate(search.faces)],
        }
    )


def _candidate(
    candidate: RecordedCandidate,
    threshold: float,
    faces: dict[UUID, PresentFace],
    people: dict[UUID, PresentPerson],
    said: list[Dispute],
) -> ExplainedCandidate:
    face = faces.get(candidate.face_id)
    person, crop = people.get(candidate.identity_id), None
    if face is not None and face.has_crop:
        crop = f"/v1/galleries/{face.gallery}/identities/{face.identity_id}/faces/{candidate.face_id}/crop"
    return ExplainedCandidate(
        **candidate.to_json(),
        name=None if person is None else person.name,
        above_threshold=round(candidate.score - threshold, 6),
        person_exists=person is not None,
        face_exists=face is not None,
        face_owner=None if face is None else face.identity_id,
        crop=crop,
        disputes=[
            ExplainedDispute(id=one.id, disputed_by=one.disputed_by, created_at=one.created_at)
            for one in said
            if one.identity_id == candidate.identity_id
        ],
    )


def _since(
    face: RecordedFace,
    faces: dict[UUID, PresentFace],
    named: sentences.Named,
    people: dict[UUID, PresentPerson],
) -> list[str]:
    """What has become of the first candidate since."""
    if not face.candidates:
        return []
    first = face.candidates[0]
    now = faces.get(first.face_id)
    if now is None:
        return ["This enrolled face has since been deleted."] if first.identity_id in people else []
    if now.identity_id != first.identity_id:
        return [f"This enrolled face belongs to {named(now.identity_id)} now."]
    return []


def _said(said: list[Dispute], named: sentences.Named) -> list[str]:
    return [
        f"{one.disputed_by} said on {one.created_at:%Y-%m-%d}: this is not {named(one.identity_id)}."
        for one in said
    ]


def _exchanged(face: RecordedFace, probe: Probe | None) -> list[str]:
    if probe is None or sha256(probe.jpeg).hexdigest() == face.crop_sha256:
        return []
    return ["The kept crop is not the one of this search: its SHA-256 is another one than the record says."]


def _crop_sentence(face: RecordedFace, kept: bool) -> list[str]:
    if face.crop_sha256 is None or kept:
        return []
    return ["The crop of the face was kept, but has since been deleted."]
