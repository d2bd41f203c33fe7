"""Enrols the people of a folder of photographs. It can be interrupted and run again."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from indexer.duplicates.candidate import DuplicateCandidate
from indexer.errors import GalleryExists, GalleryNotFound, GemelError
from indexer.files import reason
from indexer.pipeline.people_folder import PeopleFolder, Person
from indexer.records import galleries
from indexer.types import OnSeveralFaces
from indexer.usecases.bootstrap import Engine
from indexer.usecases.enrol import NewIdentity
from indexer.usecases.enrolment.pictures import enrol_pictures
from indexer.usecases.folder_outcome import FolderOutcome, Outcome

CHUNK = 20
"""Most pictures of one person in memory, and in one transaction."""


def enrol_folder(
    engine: Engine,
    folder: PeopleFolder,
    gallery: str,
    *,
    several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
    allow_duplicates: bool = False,
    parallel: int = 4,
    progress: Callable[[int], object] = lambda _: None,
) -> FolderOutcome:
    """Enrols everybody in `folder` into `gallery`, which is created where it does not exist.

    A person's pictures are enrolled in transactions of at most 20. After a run that was killed or
    interrupted, the next one does the rest. KeyboardInterrupt ends the run within a picture or two, and the
    result says so. `progress` is called with how many more pictures are done.
    Raises InvalidRequest, DatabaseUnavailable.
    """
    result = FolderOutcome(path=folder.path, gallery_created=create_gallery(engine, gallery))
    engine.enroller.open_index(gallery)
    stop = threading.Event()

    def enrol(person: Person) -> _PersonRun:
        run = _PersonRun(
            engine=engine,
            gallery=gallery,
            person=person,
            several_faces=several_faces,
            allow_duplicates=allow_duplicates,
            stop=stop,
        )
        run.run()
        progress(sum(noted[0] is not Outcome.NOT_REACHED for noted in run.outcomes.values()))
        return run

    with ThreadPoolExecutor(parallel, thread_name_prefix="enrol") as pool:
        futures = {person.folder: pool.submit(copy_context().run, enrol, person) for person in folder.people}
        try:
            for future in futures.values():
                future.result()
        except KeyboardInterrupt:
            result.interrupted = True
        finally:  # however the run ends, no further person is begun
            stop.set()
            pool.shutdown(cancel_futures=True)
    for person in folder.people:
        future = futures[person.folder]
        _add(result, person, None if future.cancelled() else future.result())
    for skipped in folder.skipped:
        result.add_skipped(skipped)
    return result


def create_gallery(engine: Engine, name: str) -> bool:
    """Whether it did not exist."""
    try:
        with engine.database.reading() as session:
            galleries.get(session, name)
    except GalleryNotFound:
        try:
            with engine.database.transaction() as session:
                galleries.create(session, name)
        except GalleryExists:
            return False  # another process created it in the meantime
        return True
    return False


def _add(result: FolderOutcome, person: Person, run: "_PersonRun | None") -> None:
    """`run`: None where the person was not begun."""
    outcomes = {} if run is None else run.outcomes
    tried = True
    for path in person.images:
        outcome, code, message = outcomes.get(path, _NOT_REACHED)
        tried &= outcome is not Outcome.NOT_REACHED
        result.add(path, outcome, code, message, person=person.folder)
    if run is not None:
        result.identities_created += run.created
        result.odd_faces += run.odd_faces
        if run.duplicates:
            result.duplicates[person.folder] = list(run.duplicates.values())
    if tried and not (run is not None and run.has_face):
        result.without_face.append(person.folder)


_Noted = tuple[Outcome, str | None, str | None]
"""An outcome, its code and its message."""
_NOT_REACHED: _Noted = (Outcome.NOT_REACHED, None, None)


class _Interrupted(Exception):
    pass


@dataclass(slots=True, kw_only=True)
class _PersonRun:
    """Enrols one person, and notes what became of each picture."""

    engine: Engine
    gallery: str
    person: Person
    several_faces: OnSeveralFaces
    allow_duplicates: bool
    stop: threading.Event
    outcomes: dict[Path, _Noted] = field(default_factory=dict)
    created: bool = False
    """Whether this run created the identity."""
    has_face: bool = False
    odd_faces: int = 0
    """Of the person, after the last enrolment."""
    duplicates: dict[UUID, DuplicateCandidate] = field(default_factory=dict)
    """Other people whom the person looks like, by their id."""

    def run(self) -> None:
        try:
            self._enrol()
        except _Interrupted:
            self._note_rest(Outcome.NOT_REACHED)
        except (GemelError, OSError) as error:
            self._note_rest(Outcome.FAILED, error)

    def _enrol(self) -> None:
        images = self.person.images
        for start in range(0, len(images), CHUNK):
            data: dict[Path, bytes] = {}
            for path in images[start : start + CHUNK]:
                self._check()
                try:
                    data[path] = path.read_bytes()
                except OSError as error:
                    self._note([path], Outcome.FAILED, error)
            if data:
                self._enrol_images(data)

    def _enrol_images(self, images: dict[Path, bytes]) -> None:
        folder = self.person.folder
        done = enrol_pictures(
            self.engine.enroller,
            self.gallery,
            NewIdentity(external_id=folder, name=folder.replace("_", " ")),
            list(images.values()),
            several_faces=self.several_faces,
            allow_duplicates=self.allow_duplicates,
            check=self._check,
        )
        for path, picture in zip(images, done.pictures, strict=True):
            self.outcomes[path] = (picture.outcome, picture.code, picture.message)
        self.created |= done.created
        self.has_face |= any(
            picture.outcome in (Outcome.ENROLLED, Outcome.KNOWN) for picture in done.pictures
        )
        if done.result is not None:
            self.odd_faces = len(done.result.odd_faces)
        self._note_duplicates(done.duplicates)

    def _note_duplicates(self, found: Iterable[DuplicateCandidate]) -> None:
        for candidate in found:
            known = self.duplicates.get(candidate.identity_id)
            if known is None or candidate.score > known.score:
                self.duplicates[candidate.identity_id] = candidate

    def _check(self) -> None:
        if self.stop.is_set():
            raise _Interrupted

    def _note(
        self, paths: Iterable[Path], outcome: Outcome, error: GemelError | OSError | None = None
    ) -> None:
        code = message = None
        if isinstance(error, GemelError):
            code, message = error.code, error.message
        elif error is not None:
            code, message = "unreadable_file", reason(error)
        for path in paths:
            self.outcomes[path] = (outcome, code, message)

    def _note_rest(self, outcome: Outcome, error: GemelError | OSError | None = None) -> None:
        """Of the pictures of which nothing is noted yet."""
        self._note([path for path in self.person.images if path not in self.outcomes], outcome, error)
