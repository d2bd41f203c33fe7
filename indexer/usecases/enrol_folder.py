"""Enrols the people of a folder of photographs. Can be interrupted and run again."""

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from indexer.errors import (
    ExternalIdTaken,
    GalleryExists,
    GalleryNotFound,
    GemelError,
    NothingEnrolled,
)
from indexer.pipeline.people_folder import PeopleFolder, Person
from indexer.records import faces, galleries, identities
from indexer.usecases.bootstrap import Engine
from indexer.usecases.enrol import NewIdentity

CHUNK = 20
"""Pictures of one person in memory, and in one transaction, at once."""


class Outcome(StrEnum):
    ENROLLED = "enrolled"
    KNOWN = "known"
    """Enrolled already, by an earlier run."""
    REFUSED = "refused"
    """By the gate, or because it is no picture."""
    FAILED = "failed"
    """Not the picture's fault; the next run tries it again."""
    SKIPPED = "skipped"
    """No picture of a person, by where it lies or what it is."""
    NOT_REACHED = "not_reached"
    """The run was interrupted before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    """What became of one file."""

    path: Path
    """Relative to the folder."""
    person: str | None
    """None for a file that is in nobody's folder."""
    outcome: Outcome
    code: str | None = None
    """Why, where it was not enrolled; stable, for programs."""
    message: str | None = None


@dataclass(slots=True, kw_only=True)
class FolderEnrolment:
    """What came of it: every file of the folder is in `files` once."""

    gallery_created: bool = False
    identities_created: int = 0
    files: list[FileOutcome] = field(default_factory=list)
    without_face: list[str] = field(default_factory=list)
    """People of whom every picture was tried, and who have no face in the gallery."""
    interrupted: bool = False

    def of(self, outcome: Outcome) -> list[FileOutcome]:
        return [file for file in self.files if file.outcome is outcome]

    def reasons(self, *outcomes: Outcome) -> Counter[str]:
        """How many files, by code."""
        return Counter(file.code or "" for file in self.files if file.outcome in outcomes)


class _Interrupted(Exception):
    pass


@dataclass(slots=True, kw_only=True)
class _PersonsOutcome:
    files: dict[Path, tuple[Outcome, str | None, str | None]] = field(default_factory=dict)
    created: bool = False
    has_face: bool = False

    def note(
        self, paths: Sequence[Path], outcome: Outcome, error: GemelError | OSError | None = None
    ) -> None:
        code = message = None
        if isinstance(error, GemelError):
            code, message = error.code, error.message
        elif error is not None:
            code, message = "unreadable_file", error.strerror or str(error)
        for path in paths:
            self.files[path] = (outcome, code, message)

    def unknown(self, person: Person) -> list[Path]:
        """Pictures of which nothing is noted yet."""
        return [path for path in person.images if path not in self.files]


def enrol_folder(
    engine: Engine,
    folder: PeopleFolder,
    gallery: str,
    *,
    take_largest: bool = False,
    parallel: int = 4,
    progress: Callable[[int], object] = lambda _: None,
) -> FolderEnrolment:
    """Enrols everybody in `folder` into `gallery`, which is made if need be.

    A person's pictures are enrolled in transactions of at most 20: a run that is killed or interrupted is
    gone on with by the next. KeyboardInterrupt ends it within a picture or two, and the result says so.
    `progress` is called with how many pictures are done. Raises InvalidRequest, DatabaseUnavailable.
    """
    result = FolderEnrolment(gallery_created=_make_gallery(engine, gallery))
    stop = threading.Event()

    def one(person: Person) -> _PersonsOutcome:
        outcome = _PersonsOutcome()
        try:
            _enrol_person(_Run(engine, gallery, take_largest, stop), person, outcome)
        except _Interrupted:
            outcome.note(outcome.unknown(person), Outcome.NOT_REACHED)
        except (GemelError, OSError) as error:
            outcome.note(outcome.unknown(person), Outcome.FAILED, error)
        progress(sum(noted[0] is not Outcome.NOT_REACHED for noted in outcome.files.values()))
        return outcome

    with ThreadPoolExecutor(parallel, thread_name_prefix="enrol") as pool:
        futures = {person.folder: pool.submit(one, person) for person in folder.people}
        try:
            for future in futures.values():
                future.result()
        except KeyboardInterrupt:
            result.interrupted = True
        finally:  # whatever ends it, nobody else is begun with
            stop.set()
            pool.shutdown(cancel_futures=True)
    for person in folder.people:
        future = futures[person.folder]
        outcome = _PersonsOutcome() if future.cancelled() else future.result()
        _add(result, folder, person, outcome)
    for skipped in folder.skipped:
        result.files.append(
            FileOutcome(
                path=skipped.path.relative_to(folder.path),
                person=None,
                outcome=Outcome.SKIPPED,
                code=skipped.code,
                message=skipped.message,
            )
        )
    return result


@dataclass(frozen=True, slots=True)
class _Run:
    engine: Engine
    gallery: str
    take_largest: bool
    stop: threading.Event

    def check(self) -> None:
        if self.stop.is_set():
            raise _Interrupted


def _add(result: FolderEnrolment, folder: PeopleFolder, person: Person, outcome: _PersonsOutcome) -> None:
    result.identities_created += outcome.created
    tried = True
    for path in person.images:
        what, code, message = outcome.files.get(path, (Outcome.NOT_REACHED, None, None))
        tried &= what is not Outcome.NOT_REACHED
        result.files.append(
            FileOutcome(
                path=path.relative_to(folder.path),
                person=person.folder,
                outcome=what,
                code=code,
                message=message,
            )
        )
    if tried and not outcome.has_face:
        result.without_face.append(person.folder)


def _make_gallery(engine: Engine, name: str) -> bool:
    """Whether it was not there."""
    try:
        with engine.database.reading() as session:
            galleries.get(session, name)
    except GalleryNotFound:
        try:
            with engine.database.transaction() as session:
                galleries.create(session, name)
        except GalleryExists:
            return False  # somebody made it meanwhile
        return True
    return False


def _enrol_person(run: _Run, person: Person, outcome: _PersonsOutcome) -> None:
    run.check()
    with run.engine.database.reading() as session:
        found = galleries.get(session, run.gallery)
        identity = identities.find_by_external_id(session, found.id, person.folder)
        known = set() if identity is None else faces.enrolled_images(session, identity.id)
    outcome.has_face = bool(known)
    identity_id = None if identity is None else identity.id
    for start in range(0, len(person.images), CHUNK):
        new = {}
        for path in person.images[start : start + CHUNK]:
            run.check()
            try:
                data = path.read_bytes()
            except OSError as error:
                outcome.note([path], Outcome.FAILED, error)
                continue
            if hashlib.sha256(data).digest() in known:
                outcome.note([path], Outcome.KNOWN)
            else:
                new[path] = data
        if new:
            identity_id = _enrol_images(run, person, identity_id, new, outcome)


def _enrol_images(
    run: _Run, person: Person, identity_id: UUID | None, images: dict[Path, bytes], outcome: _PersonsOutcome
) -> UUID | None:
    """The person's id, once there is one."""
    paths, data = list(images), list(images.values())
    enroller = run.engine.enroller
    try:
        if identity_id is None:
            details = NewIdentity(external_id=person.folder, name=person.folder.replace("_", " "))
            enrolled = enroller.create(
                run.gallery, details, data, take_largest=run.take_largest, check=run.check
            )
            outcome.created = True
        else:
            enrolled = enroller.add(
                run.gallery, identity_id, data, take_largest=run.take_largest, check=run.check
            )
    except NothingEnrolled as error:
        for refused in error.details["refused"]:
            outcome.files[paths[refused["image"]]] = (Outcome.REFUSED, refused["code"], refused["message"])
        return identity_id
    except ExternalIdTaken:  # another run made the person meanwhile: theirs is added to
        with run.engine.database.reading() as session:
            found = galleries.get(session, run.gallery)
            made = identities.find_by_external_id(session, found.id, person.folder)
        if made is None:
            raise
        return _enrol_images(run, person, made.id, images, outcome)
    outcome.note(paths, Outcome.ENROLLED)
    for number, refused in enrolled.refused.items():
        outcome.files[paths[number]] = (Outcome.REFUSED, refused.code, refused.message)
    outcome.has_face |= bool(enrolled.faces)
    return enrolled.identity.id
