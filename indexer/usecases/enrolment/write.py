"""What the transaction of an enrolment writes."""

from collections.abc import Callable, Collection, Mapping, Sequence
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
from indexer.records.enrolled.faces import NewFaces
from indexer.records.tables import Face, Gallery, Identity
from indexer.types import Attribute, ChangeKind, Enrolment, LandmarkSource
from indexer.usecases import liveness
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accepted:
    """What is to be written of one person."""

    identity: Identity
    is_new: bool
    enrolments: Mapping[int, Enrolment]
    """By the number of the picture."""
    rejected: Mapping[int, Rejection]
    """Likewise."""
    estimates: Mapping[int, Estimates] = field(default_factory=dict)
    """Likewise, where attributes are requested."""
    attributes: Collection[Attribute] = ()
    """Those that are requested."""
    duplicates: Sequence[DuplicateCandidate] = ()
    allow_duplicate: bool = False


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
    """As `write_several`, of one person, with the duplicate check before it.

    `repeatable`: it is no error if all photographs are enrolled already. `check`: that of `DuplicateChecker`,
    which gets the identity and its new faces. Raises NothingEnrolled, and what `check` does.
    """
    identity, is_new = person
    digests = prepared.digests
    known = set() if is_new else faces.enrolled_images(session, identity.id, digests)
    new, rejected = judge(prepared, known)
    repeated = repeatable and all(rejection is DUPLICATE for rejection in rejected.values())
    if rejected and not new and not repeated:
        raise nothing_enrolled(rejected)
    vectors = {number: enrolment.vectors[model] for number, enrolment in new.items()}
    accepted = Accepted(
        identity=identity,
        is_new=is_new,
        enrolments=new,
        rejected=rejected,
        estimates=prepared.estimates,
        attributes=prepared.attributes,
        duplicates=check(identity.id, vectors, allow=allow_duplicate),
        allow_duplicate=allow_duplicate,
    )
    return write_several(session, gallery, [accepted], model_numbers, model=model)[0]


def judge(
    prepared: PreparedImages, known: Collection[bytes]
) -> tuple[dict[int, Enrolment], dict[int, Rejection]]:
    """What is new, and what is rejected: also the pictures of which the identity has a face. `known`: their
    SHA-256 digests."""
    repetitions = [
        number for number, enrolment in prepared.enrolments.items() if enrolment.image_sha256 in known
    ]
    rejected = dict(prepared.rejected) | dict.fromkeys(repetitions, DUPLICATE)
    new = {number: enrolment for number, enrolment in prepared.enrolments.items() if number not in rejected}
    return new, rejected


def write_several(
    session: Session,
    gallery: Gallery,
    several: Sequence[Accepted],
    model_numbers: Mapping[str, int],
    *,
    model: str,
) -> list[EnrolmentResult]:
    """The faces, the person templates, the changes and an audit event for each person, in the transaction of
    `session`, which holds the gallery's lock. `model`: fingerprint of the one that the gallery is searched
    with."""
    event_ids = [uuid_utils.compat.uuid7() for _ in several]
    added = faces.add_to_several(
        session,
        [
            NewFaces(identity_id=one.identity.id, enrolments=list(one.enrolments.values()), audit_id=event_id)
            for one, event_id in zip(several, event_ids, strict=True)
        ],
        model_numbers,
    )
    # A new person with one face has no template, and needs no statement that says so.
    templates = person_templates.replace_by_identity(
        session,
        gallery.id,
        [
            one.identity.id
            for one, new in zip(several, added, strict=True)
            if new and not (one.is_new and len(new) < MIN_FACES)
        ],
    )
    changed = [
        ([face.key for face in new], templates.get(one.identity.id, person_templates.NOTHING))
        for one, new in zip(several, added, strict=True)
    ]
    change_numbers = changes.append_several(session, gallery.id, ChangeKind.ENROL, changed)
    totals = faces.count_by_identity(session, known) if (known := _known(several)) else {}
    results = []
    for one, event_id, new, change_number in zip(several, event_ids, added, change_numbers, strict=True):
        result = EnrolmentResult(
            identity=one.identity,
            faces=new,
            rejected=dict(sorted(one.rejected.items())),
            change_number=change_number,
            model=model,
            person_score=gallery.person_score,
            faces_total=totals.get(one.identity.id, len(new)),
            landmark_sources={
                face.id: enrolment.face.landmark_source
                for face, enrolment in zip(new, one.enrolments.values(), strict=True)
            },
            estimates={
                face.id: one.estimates.get(number, NO_ESTIMATES)
                for face, number in zip(new, one.enrolments, strict=True)
            },
            duplicates=list(one.duplicates),
        )
        if one.is_new or new:
            record(session, _event(gallery, one, result, event_id))
        results.append(result)
    return results


def _known(several: Sequence[Accepted]) -> list[UUID]:
    return [one.identity.id for one in several if not one.is_new]


def _event(gallery: Gallery, one: Accepted, result: EnrolmentResult, event_id: UUID) -> AuditEvent:
    return AuditEvent(
        action=Action.IDENTITY_ENROLLED if one.is_new else Action.FACES_ENROLLED,
        id=event_id,
        gallery=gallery.name,
        identity_id=one.identity.id,
        details={
            "faces": [
                {"face_id": face.id, "quality": round(face.quality, 1)}
                | _landmarks_of(result.landmark_sources[face.id])
                | liveness.recorded(gallery.liveness, result.estimates[face.id])
                for face in result.faces
            ],
            "rejected": [rejection.code for rejection in one.rejected.values()],
            "model": result.model,
            "change_number": result.change_number,
        }
        | ({"attributes": [each.value for each in one.attributes]} if one.attributes else {})
        | _duplicates_of(one.duplicates, one.allow_duplicate),
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
