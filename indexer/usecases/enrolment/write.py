"""What the transaction of an enrolment writes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import uuid_utils.compat

from indexer.attributes.estimate import NO_ESTIMATES, Estimates
from indexer.duplicates.candidate import DuplicateCandidate
from indexer.mean_template import MIN_FACES
from indexer.records import changes
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Session
from indexer.records.enrolled import faces, person_templates
from indexer.records.tables import Face, Gallery, Identity
from indexer.types import ChangeKind, LandmarkSource
from indexer.usecases.enrolment.prepare_images import PreparedImages
from indexer.usecases.enrolment.quality_gate import DUPLICATE, Rejection, nothing_enrolled
from indexer.usecases.odd_faces import OddFace

Person = tuple[Identity, bool]
"""An identity, and whether it is new."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnrolmentResult:
    identity: Identity
    faces: list[Face]
    """The new ones."""
    rejected: dict[int, Rejection]
    """By the number of the picture, from 0."""
    change_number: int
    """The gallery's last change: an index that has applied it has these faces."""
    model: str
    """Fingerprint of the one that the gallery is searched with."""
    person_score: str
    """The gallery's."""
    faces_total: int
    """Of the identity, the new ones included."""
    landmark_sources: dict[UUID, LandmarkSource] = field(default_factory=dict)
    """Of the new faces, by their ids."""
    estimates: dict[UUID, Estimates] = field(default_factory=dict)
    """Of the new faces, by their ids: the attributes that the request asks for."""
    duplicates: list[DuplicateCandidate] = field(default_factory=list)
    """Other people whom the new faces look like."""
    odd_faces: list[OddFace] = field(default_factory=list)
    """Faces of the identity, new or not, that do not resemble its others. Looked for where there are new."""


def write(
    session: Session,
    gallery: Gallery,
    person: Person,
    prepared: PreparedImages,
    model_numbers: Mapping[str, int],
    *,
    model: str,
    repeatable: bool,
    check: Callable[..., list[DuplicateCandidate]],
    allow_duplicate: bool,
) -> EnrolmentResult:
    """The faces, the person template, the change and the audit event, in the transaction of `session`, which
    holds the gallery's lock.

    `model`: fingerprint of the one that the gallery is searched with. `repeatable`: it is no error if all
    photographs are enrolled already. `check`: that of `DuplicateChecker`, which gets the identity and its new
    faces. Raises NothingEnrolled, and what `check` does.
    """
    identity, is_new = person
    digests = {number: enrolment.image_sha256 for number, enrolment in prepared.enrolments.items()}
    known = set() if is_new else faces.enrolled_images(session, identity.id, digests.values())
    repetitions = [number for number, digest in digests.items() if digest in known]
    rejected = prepared.rejected | dict.fromkeys(repetitions, DUPLICATE)
    new = {number: enrolment for number, enrolment in prepared.enrolments.items() if number not in rejected}
    repeated = repeatable and all(rejection is DUPLICATE for rejection in rejected.values())
    if rejected and not new and not repeated:
        raise nothing_enrolled(rejected)
    vectors = {number: enrolment.vectors[model] for number, enrolment in new.items()}
    found = check(identity.id, vectors, allow=allow_duplicate)
    event_id = uuid_utils.compat.uuid7()
    added = faces.add(session, identity.id, list(new.values()), model_numbers, event_id)
    # A new person with one face has no template, and needs no statement that says so.
    templates = (
        person_templates.NOTHING
        if not added or (is_new and len(added) < MIN_FACES)
        else person_templates.replace(session, gallery.id, [identity.id])
    )
    sources = {
        face.id: enrolment.face.landmark_source for face, enrolment in zip(added, new.values(), strict=True)
    }
    keys = [face.key for face in added]
    change_number = changes.append(session, gallery.id, ChangeKind.ENROL, keys, templates)
    if is_new or added:
        event = AuditEvent(
            action=Action.IDENTITY_ENROLLED if is_new else Action.FACES_ENROLLED,
            id=event_id,
            gallery=gallery.name,
            identity_id=identity.id,
            details={
                "faces": [
                    {"face_id": face.id, "quality": round(face.quality, 1)} | _landmarks_of(sources[face.id])
                    for face in added
                ],
                "rejected": [rejection.code for rejection in rejected.values()],
                "model": model,
                "change_number": change_number,
            }
            | _duplicates_of(found, allow_duplicate),
        )
        record(session, event)
    return EnrolmentResult(
        identity=identity,
        faces=added,
        rejected=dict(sorted(rejected.items())),
        change_number=change_number,
        model=model,
        person_score=gallery.person_score,
        faces_total=len(added) if is_new else faces.count_by_identity(session, [identity.id])[identity.id],
        landmark_sources=sources,
        estimates={
            face.id: prepared.estimates.get(number, NO_ESTIMATES)
            for face, number in zip(added, new, strict=True)
        },
        duplicates=found,
    )


def _landmarks_of(source: LandmarkSource) -> dict[str, str]:
    """For the audit record: that the detector alone does not vouch for the face."""
    return {} if source is LandmarkSource.DETECTOR else {"landmark_source": source.value}


def _duplicates_of(found: Sequence[DuplicateCandidate], allowed: bool) -> dict[str, Any]:
    """For the audit record: whom the person looks like, and whether the caller allowed it."""
    if not found:
        return {}
    people = [
        {
            "identity_id": candidate.identity_id,
            "face_id": candidate.face_id,
            "score": round(candidate.score, 4),
            "threshold": round(candidate.threshold, 4),
        }
        for candidate in found
    ]
    return {"duplicates": people, "allow_duplicate": allowed}
