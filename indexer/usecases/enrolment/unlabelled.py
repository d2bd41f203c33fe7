"""Enrols every face of photographs whose people nobody has named: each becomes an anonymous identity."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import uuid_utils.compat

from indexer.errors import Busy, InvalidInput
from indexer.pipeline.pipeline import AlignedFace
from indexer.records import changes, galleries, reindexes
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Session
from indexer.records.enrolled import faces
from indexer.records.enrolled.faces import NewFaces
from indexer.records.enrolled.new_identities import NewIdentity, create_several
from indexer.records.tables import Gallery
from indexer.request_timings import Stopwatch
from indexer.types import ChangeKind, Enrolment
from indexer.usecases import liveness
from indexer.usecases.enrol import Enroller
from indexer.usecases.enrolment.models import EnrolmentModels, models_of
from indexer.usecases.enrolment.quality_gate import Rejection
from indexer.usecases.folder_outcome import Outcome
from indexer.vision.align import CROP_SCALE, crop_with_margin

_ATTEMPTS = 5
_NO_FACE = Rejection(code="no_face_found", message="no face was found", details={})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlabelledPicture:
    """What became of a picture."""

    outcome: Outcome
    """Enrolled: at least one of its faces. Known: the gallery has a face of this very file already."""
    identity_ids: Sequence[UUID] = ()
    """The new anonymous identities, one for each face that is enrolled."""
    rejected: Sequence[Rejection] = ()
    """One for each face that is not enrolled, the largest face first, or one for the picture."""

    @property
    def code(self) -> str | None:
        return self.rejected[0].code if self.outcome is Outcome.REJECTED else None

    @property
    def message(self) -> str | None:
        """In words; also for an enrolled picture, if some of its faces are not."""
        if self.outcome is Outcome.REJECTED and len(self.rejected) == 1:
            return self.rejected[0].message
        if not self.rejected:
            return None
        faces = len(self.identity_ids) + len(self.rejected)
        reasons = Counter(rejection.code for rejection in self.rejected)
        words = ", ".join(f"{count} {code}" for code, count in reasons.most_common())
        return f"{len(self.identity_ids)} of {faces} faces enrolled; rejected: {words}"


Commit = Callable[[Session, list[UnlabelledPicture]], object]
"""Called at the end of the transaction that enrols, with what becomes of each picture."""

_KNOWN = UnlabelledPicture(outcome=Outcome.KNOWN)


@dataclass(slots=True, kw_only=True, eq=False)
class _Prepared:
    """One picture, before anything is written."""

    enrolments: list[Enrolment] = field(default_factory=list)
    aligned: list[list[AlignedFace]] = field(default_factory=list)
    """Of each enrolment, the face for each model."""
    verdicts: list[dict[str, str]] = field(default_factory=list)
    """Likewise, for the audit record: what the policy of liveness says of it."""
    rejected: list[Rejection] = field(default_factory=list)


def enrol_unlabelled(
    enroller: Enroller,
    gallery_name: str,
    images: Sequence[bytes],
    *,
    check: Callable[[], object],
    commit: Commit = lambda *_: None,
) -> list[UnlabelledPicture]:
    """Every face that passes the quality gate becomes an anonymous identity with one face.

    A picture of which the gallery has a face already adds nothing, whoever enrolled it. All is written in
    one transaction; where nothing is to be written, there is none. `check` is called before each picture;
    what it raises ends the work. Raises GalleryNotFound, ModelUnavailable, EmbeddingUnusable, Busy.
    """
    watch, pipelines = Stopwatch(), enroller.transaction.pipelines
    digests = [hashlib.sha256(image).digest() for image in images]
    with enroller.database.reading() as session:
        gallery = galleries.get(session, gallery_name)
        in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
        known = faces.known_images(session, gallery.id, digests)
    for _ in range(_ATTEMPTS):
        models = models_of(pipelines, gallery, in_use)
        policy = gallery.liveness
        liveness.check(enroller.transaction.preparer.attributes, policy)
        prepared = _prepare(
            enroller, models, images, digests, known, gallery.store_crops, policy, watch, check
        )
        if not any(one.enrolments for one in prepared.values()):
            return _outcomes(digests, prepared, {})
        with enroller.database.transaction() as session:
            gallery = galleries.lock(session, gallery.id)
            if gallery.model_id is None:
                gallery.model_id = pipelines.models.number_of(pipelines.models.default)
            in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
            if models.are_current(gallery, in_use) and gallery.liveness == policy:
                for digest in faces.known_images(session, gallery.id, list(prepared)):
                    del prepared[digest]  # another process enrolled it in the meantime
                made = _write(session, gallery, prepared, in_use, models.active_fingerprint)
                outcomes = _outcomes(digests, prepared, made)
                commit(session, outcomes)
                break
    else:
        raise Busy("the gallery changes its model at this moment")
    enroller.index_cache.try_to_catch_up(gallery.id)
    return outcomes


def _prepare(
    enroller: Enroller,
    models: EnrolmentModels,
    images: Sequence[bytes],
    digests: Sequence[bytes],
    known: set[bytes],
    store_crops: bool,
    policy: str,
    watch: Stopwatch,
    check: Callable[[], object],
) -> dict[bytes, _Prepared]:
    """By digest, without known pictures. Their embeddings are computed together."""
    preparer = enroller.transaction.preparer
    prepared: dict[bytes, _Prepared] = {}
    for image, digest in zip(images, digests, strict=True):
        if digest in known or digest in prepared:
            continue
        check()
        prepared[digest] = one = _Prepared()
        needed = liveness.to_estimate((), policy)
        try:
            with preparer.attributes.turn(needed, watch):
                photograph = models.active.detect(image, watch, detail=CROP_SCALE[1])
                estimates = preparer.attributes.estimate(photograph, needed, watch)
        except InvalidInput as error:
            one.rejected.append(Rejection(code=error.code, message=error.message, details=error.details))
            continue
        if not photograph.faces:
            one.rejected.append(_NO_FACE)
        for face, estimate in zip(photograph.faces, estimates, strict=True):
            rejection = preparer.quality_gate.rejection(face.quality)
            rejection = rejection or liveness.rejection(policy, estimate)
            if rejection is not None:
                one.rejected.append(rejection)
                continue
            crop = (
                crop_with_margin(photograph.pixels, face.face.detected_landmarks, divisor=photograph.divisor)
                if store_crops
                else None
            )
            one.enrolments.append(
                Enrolment(face=face.face, quality=face.quality, vectors={}, image_sha256=digest, crop=crop)
            )
            one.aligned.append(models.align(photograph, face))
            one.verdicts.append(liveness.recorded(policy, estimate))
    accepted = [one for one in prepared.values() if one.enrolments]
    vectors = models.embed([face for one in accepted for face in one.aligned], watch) if accepted else {}
    row = 0
    for one in accepted:
        for place, enrolment in enumerate(one.enrolments):
            by_model = {fingerprint: rows[row] for fingerprint, rows in vectors.items()}
            one.enrolments[place] = replace(enrolment, vectors=by_model)
            row += 1
    return prepared


def _write(
    session: Session,
    gallery: Gallery,
    prepared: Mapping[bytes, _Prepared],
    model_numbers: Mapping[str, int],
    model: str,
) -> dict[bytes, list[UUID]]:
    """New identities with a face each, by the picture, in the transaction that holds the gallery's lock."""
    enrolments = [(digest, one) for digest, picture in prepared.items() for one in picture.enrolments]
    verdicts = [verdict for picture in prepared.values() for verdict in picture.verdicts]
    people = create_several(session, gallery.id, [NewIdentity(anonymous=True) for _ in enrolments])
    new = [
        NewFaces(identity_id=person.id, enrolments=[one], audit_id=uuid_utils.compat.uuid7())
        for person, (_, one) in zip(people, enrolments, strict=True)
    ]
    added = [face for [face] in faces.add_to_several(session, new, model_numbers)]
    changes.append(session, gallery.id, ChangeKind.ENROL, [face.key for face in added])
    made: dict[bytes, list[UUID]] = {digest: [] for digest in prepared}
    for face, (digest, _), verdict in zip(added, enrolments, verdicts, strict=True):
        made[digest].append(face.identity_id)
        assert face.audit_id is not None
        event = AuditEvent(
            action=Action.IDENTITY_ENROLLED,
            id=face.audit_id,
            gallery=gallery.name,
            identity_id=face.identity_id,
            details={
                "faces": [{"face_id": face.id, "quality": round(face.quality, 1)} | verdict],
                "rejected": [],
                "model": model,
                "anonymous": True,
            },
        )
        record(session, event)
    return made


def _outcomes(
    digests: Sequence[bytes], prepared: Mapping[bytes, _Prepared], made: Mapping[bytes, Sequence[UUID]]
) -> list[UnlabelledPicture]:
    outcomes = []
    seen: set[bytes] = set()
    for digest in digests:
        one = prepared.get(digest)
        ids = made.get(digest, ())
        if one is None or (digest in seen and ids):
            outcomes.append(_KNOWN)
        else:
            outcome = Outcome.ENROLLED if ids else Outcome.REJECTED
            outcomes.append(
                UnlabelledPicture(outcome=outcome, identity_ids=ids, rejected=tuple(one.rejected))
            )
        seen.add(digest)
    return outcomes
