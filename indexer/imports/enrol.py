"""Enrols the files that a worker has claimed, person by person, and records the result of each."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextvars import copy_context

from indexer.attributes.estimate import NO_ESTIMATES
from indexer.callers import Caller, current_caller
from indexer.concurrency import in_background
from indexer.errors import (
    AttributeUnavailable,
    Conflict,
    EmbeddingUnusable,
    GemelError,
    InvalidInput,
    InvalidRequest,
    NotFound,
)
from indexer.imports import previews
from indexer.imports.claim import Claimed, attributes_of
from indexer.imports.reading import places
from indexer.records import galleries
from indexer.records.database.session import Session
from indexer.records.imports import queue
from indexer.records.imports.queue import Verdict
from indexer.records.tables import ImportFile
from indexer.types import Attribute, OnSeveralFaces
from indexer.usecases.answers.attributes import answered
from indexer.usecases.bootstrap import Engine
from indexer.usecases.enrol import NewIdentity
from indexer.usecases.enrolment.applicant import PersonOutcome, PersonPictures
from indexer.usecases.enrolment.group_transaction import PERSONS_OWN
from indexer.usecases.enrolment.people import enrol_people
from indexer.usecases.enrolment.unlabelled import UnlabelledPicture, enrol_unlabelled

log = logging.getLogger(__name__)

Observe = Callable[[int, Iterable[str]], object]
"""Called with the number of faces that were enrolled, and the codes of rejected pictures."""


def enrol(engine: Engine, claimed: Claimed, *, check: Callable[[], object], observe: Observe) -> None:
    """`check` is called before each picture; what it raises ends the work, and so does any error that is not
    a file's own: the files that are left stay claimed. Raises LeaseLost, GalleryNotFound,
    AttributeUnavailable, Unavailable, Misconfigured."""
    caller = Caller(name=claimed.job.caller_name, key_id=claimed.job.caller_key_id)
    unlabelled = claimed.job.people_by == "nobody"

    def run() -> None:
        current_caller.set(caller)
        try:
            with in_background():
                if unlabelled:
                    _enrol_unlabelled(engine, claimed, claimed.files, check, observe)
                else:
                    _enrol_people(engine, claimed, check, observe)
        finally:
            with engine.database.transaction() as session:
                queue.drop_bytes(session, [file.id for file in claimed.files])

    copy_context().run(run)


def _enrol_people(engine: Engine, claimed: Claimed, check: Callable[[], object], observe: Observe) -> None:
    """All in one transaction, if possible."""
    with engine.database.reading() as session:
        data = queue.pictures(session, [file.id for file in claimed.files])
    by_person: dict[str, list[ImportFile]] = {}
    for file in claimed.files:
        if file.id in data:  # those of a cancelled import have none
            by_person.setdefault(file.external_id or "", []).append(file)
    if not by_person:
        return
    people = list(by_person.values())
    recorded: set[int] = set()
    job = claimed.job
    requested = attributes_of(engine, job, claimed.gallery)

    def commit(session: Session, done: Mapping[int, PersonOutcome]) -> None:
        gallery = galleries.lock(session, claimed.gallery.id)  # whose policy may have changed since the claim
        permitted = attributes_of(engine, job, gallery)
        verdicts: dict[int, Verdict] = {}
        for number, one in done.items():
            verdicts |= _verdicts(people[number], one, permitted)
        queue.record(session, claimed.worker, verdicts)
        recorded.update(done)

    outcomes = enrol_people(
        engine.enroller,
        claimed.gallery.name,
        [
            PersonPictures(
                person=NewIdentity(
                    external_id=files[0].external_id, name=files[0].person_name, metadata=files[0].details
                ),
                images=[data[file.id] for file in files],
                places={
                    number: places.place_of(file.place)
                    for number, file in enumerate(files)
                    if file.place is not None
                },
            )
            for files in people
        ],
        several_faces=OnSeveralFaces(job.several_faces),
        allow_duplicates=job.allow_duplicates,
        attributes=requested,
        check=check,
        commit=commit,
    )
    unrecorded: dict[int, Verdict] = {}
    rejected: dict[int, tuple[str, bytes]] = {}
    for number, (files, done) in enumerate(zip(people, outcomes, strict=True)):
        if isinstance(done, PERSONS_OWN):
            _fail(engine, claimed, files, done)
        elif isinstance(done, PersonOutcome):
            if number not in recorded:
                unrecorded |= _verdicts(files, done, requested)
            _observe(done, observe)
            rejected |= {
                file.id: (picture.code or "", data[file.id])
                for file, picture in zip(files, done.pictures, strict=True)
                if picture.outcome == "rejected"
            }
    if unrecorded:
        with engine.database.transaction() as session:
            queue.record(session, claimed.worker, unrecorded)
    previews.keep(engine, rejected)
    for done in outcomes:
        if isinstance(done, GemelError) and not isinstance(done, PERSONS_OWN):
            raise done


def _enrol_unlabelled(
    engine: Engine,
    claimed: Claimed,
    claimed_files: Sequence[ImportFile],
    check: Callable[[], object],
    observe: Observe,
) -> None:
    """All in one transaction; if that fails, one picture after the other."""
    with engine.database.reading() as session:
        data = queue.pictures(session, [file.id for file in claimed_files])
    files = [file for file in claimed_files if file.id in data]  # those of a cancelled import have none
    recorded = False

    def verdicts(outcomes: Sequence[UnlabelledPicture]) -> dict[int, Verdict]:
        return {
            file.id: Verdict(
                state=picture.outcome.value,
                code=picture.code,
                message=picture.message,
                identity_id=picture.identity_ids[0] if len(picture.identity_ids) == 1 else None,
            )
            for file, picture in zip(files, outcomes, strict=True)
        }

    def commit(session: Session, outcomes: list[UnlabelledPicture]) -> None:
        nonlocal recorded
        queue.record(session, claimed.worker, verdicts(outcomes))
        recorded = True

    try:
        done = enrol_unlabelled(
            engine.enroller,
            claimed.gallery.name,
            [data[file.id] for file in files],
            check=check,
            commit=commit,
        )
    except AttributeUnavailable:  # of this process: another one may have the weights
        raise
    except (Conflict, InvalidInput, NotFound, EmbeddingUnusable) as error:
        if len(files) > 1:
            for file in files:
                _enrol_unlabelled(engine, claimed, [file], check, observe)
        elif files:
            _fail(engine, claimed, files, error)
        return
    if not recorded:
        with engine.database.transaction() as session:
            queue.record(session, claimed.worker, verdicts(done))
    faces = sum(len(picture.identity_ids) for picture in done)
    observe(faces, [rejection.code for picture in done for rejection in picture.rejected])
    rejected = {
        file.id: (picture.code or "", data[file.id])
        for file, picture in zip(files, done, strict=True)
        if picture.outcome == "rejected"
    }
    previews.keep(engine, rejected)


def _verdicts(
    files: Sequence[ImportFile], done: PersonOutcome, requested: Collection[Attribute]
) -> dict[int, Verdict]:
    """`requested`: attributes that are kept; a policy may have needed another one."""
    return {
        file.id: Verdict(
            state=picture.outcome.value,
            code=picture.code,
            message=picture.message,
            identity_id=done.identity_id,
            estimates={
                name: estimate.model_dump(mode="json")
                for name, estimate in answered(done.estimates.get(number, NO_ESTIMATES)).items()
                if name in requested
            },
        )
        for number, (file, picture) in enumerate(zip(files, done.pictures, strict=True))
    }


def _fail(
    engine: Engine,
    claimed: Claimed,
    files: Sequence[ImportFile],
    error: GemelError,
) -> None:
    """Raises NotFound where the gallery is gone, and the import with it; LeaseLost."""
    with engine.database.transaction() as session:
        galleries.lock(session, claimed.gallery.id)
        verdict = Verdict(state="failed", code=error.code, message=error.message)
        queue.record(session, claimed.worker, dict.fromkeys((file.id for file in files), verdict))
    if not isinstance(error, InvalidRequest):
        summary = f"import {claimed.job.id}: {len(files)} files failed: {error.code}"  # names nobody
        log.warning(
            "import %s: %d files failed: %s", claimed.job.id, len(files), error, extra={"summary": summary}
        )


def _observe(done: PersonOutcome, observe: Observe) -> None:
    faces = 0 if done.result is None else len(done.result.faces)
    observe(faces, [p.code or "" for p in done.pictures if p.outcome == "rejected"])
