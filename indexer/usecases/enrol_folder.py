"""Enrols the people of a folder of photographs. It can be interrupted and run again."""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from indexer.attributes.estimate import NO_ESTIMATES, Estimates
from indexer.duplicates.candidate import DuplicateCandidate
from indexer.errors import GemelError
from indexer.files import reason
from indexer.pipeline.people_folder import PeopleFolder, Person
from indexer.records import galleries
from indexer.types import Attribute, OnSeveralFaces
from indexer.usecases.bootstrap import Engine
from indexer.usecases.enrol import NewIdentity
from indexer.usecases.enrolment.applicant import PersonOutcome, PersonPictures
from indexer.usecases.enrolment.people import enrol_people
from indexer.usecases.folder_gallery import create_gallery
from indexer.usecases.folder_outcome import FolderOutcome, Outcome

CHUNK = 20
"""Most pictures of one person in memory, and in one transaction."""
PICTURES = 16
"""Of several people, at most, in one transaction."""


def enrol_folder(
    engine: Engine,
    folder: PeopleFolder,
    gallery: str,
    *,
    several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
    allow_duplicates: bool = False,
    attributes: Collection[Attribute] = (),
    parallel: int = 4,
    progress: Callable[[int], object] = lambda _: None,
) -> FolderOutcome:
    """Enrols everybody in `folder` into `gallery`, which is created where it does not exist.

    People with few pictures are enrolled several at a time, in one transaction; a person's pictures in
    transactions of at most 20. After a run that was killed or
    interrupted, the next one does the rest. KeyboardInterrupt ends the run within a picture or two, and the
    result says so. `progress` is called with how many more pictures are done.
    `attributes`: to estimate of the new faces.
    Raises InvalidRequest, AttributeNotPermitted, AttributeUnavailable, DatabaseUnavailable.
    """
    engine.attributes.check(attributes)
    result = FolderOutcome(path=folder.path, gallery_created=create_gallery(engine, gallery))
    with engine.database.reading() as session:
        engine.attributes.check(attributes, galleries.get(session, gallery).attributes)
    engine.enroller.open_index(gallery)
    stop = threading.Event()

    runs = {person.folder: _PersonRun(person=person) for person in folder.people}

    def enrol(people: Sequence[_PersonRun]) -> None:
        portion = _Portion(
            engine=engine,
            gallery=gallery,
            people=people,
            several_faces=several_faces,
            allow_duplicates=allow_duplicates,
            attributes=attributes,
            stop=stop,
        )
        portion.run()
        progress(sum(run.tried for run in people))

    with ThreadPoolExecutor(parallel, thread_name_prefix="enrol") as pool:
        futures = [
            pool.submit(copy_context().run, enrol, people) for people in _portions(list(runs.values()))
        ]
        try:
            for future in futures:
                future.result()
        except KeyboardInterrupt:
            result.interrupted = True
        finally:  # however the run ends, no further person is begun
            stop.set()
            pool.shutdown(cancel_futures=True)
    for run in runs.values():
        _add(result, run)
    for skipped in folder.skipped:
        result.add_skipped(skipped)
    return result


def _portions(people: Sequence["_PersonRun"]) -> Iterator[list["_PersonRun"]]:
    """Those with few pictures together."""
    portion: list[_PersonRun] = []
    for run in people:
        pictures = sum(len(one.person.images) for one in portion)
        if portion and pictures + len(run.person.images) > PICTURES:
            yield portion
            portion = []
        portion.append(run)
    if portion:
        yield portion


def _add(result: FolderOutcome, run: "_PersonRun") -> None:
    person = run.person
    for path in person.images:
        noted = run.outcomes.get(path, _NOT_REACHED)
        result.add(path, *noted, person=person.folder, estimates=run.estimates.get(path, NO_ESTIMATES))
    result.identities_created += run.created
    result.odd_faces += run.odd_faces
    if run.duplicates:
        result.duplicates[person.folder] = list(run.duplicates.values())
    if run.tried == len(person.images) and not run.has_face:
        result.without_face.append(person.folder)


_Noted = tuple[Outcome, str | None, str | None]
"""An outcome, its code and its message."""
_NOT_REACHED: _Noted = (Outcome.NOT_REACHED, None, None)


class _Interrupted(Exception):
    pass


@dataclass(slots=True, kw_only=True)
class _PersonRun:
    """What became of a person and of each picture."""

    person: Person
    outcomes: dict[Path, _Noted] = field(default_factory=dict)
    created: bool = False
    """Whether this run created the identity."""
    has_face: bool = False
    odd_faces: int = 0
    """Of the person, after the last enrolment."""
    duplicates: dict[UUID, DuplicateCandidate] = field(default_factory=dict)
    """Other people whom the person looks like, by their id."""
    estimates: dict[Path, Estimates] = field(default_factory=dict)
    """Of the new faces."""

    @property
    def tried(self) -> int:
        """Pictures."""
        return sum(outcome is not Outcome.NOT_REACHED for outcome, _, _ in self.outcomes.values())

    def note_outcome(self, paths: Collection[Path], done: PersonOutcome) -> None:
        for path, picture in zip(paths, done.pictures, strict=True):
            self.outcomes[path] = (picture.outcome, picture.code, picture.message)
        self.estimates |= {list(paths)[number]: of_face for number, of_face in done.estimates.items()}
        self.created |= done.created
        self.has_face |= any(
            picture.outcome in (Outcome.ENROLLED, Outcome.KNOWN) for picture in done.pictures
        )
        if done.result is not None:
            self.odd_faces = len(done.result.odd_faces)
        for candidate in done.duplicates:
            known = self.duplicates.get(candidate.identity_id)
            if known is None or candidate.score > known.score:
                self.duplicates[candidate.identity_id] = candidate

    def note(
        self, paths: Iterable[Path], outcome: Outcome, error: GemelError | OSError | None = None
    ) -> None:
        code = message = None
        if isinstance(error, GemelError):
            code, message = error.code, error.message
        elif error is not None:
            code, message = "unreadable_file", reason(error)
        for path in paths:
            self.outcomes[path] = (outcome, code, message)

    def note_rest(self, outcome: Outcome, error: GemelError | OSError | None = None) -> None:
        """Of the pictures of which nothing is noted yet."""
        self.note([path for path in self.person.images if path not in self.outcomes], outcome, error)


@dataclass(slots=True, kw_only=True)
class _Portion:
    """Enrols one person, or several with few pictures."""

    engine: Engine
    gallery: str
    people: Sequence[_PersonRun]
    several_faces: OnSeveralFaces
    allow_duplicates: bool
    attributes: Collection[Attribute]
    stop: threading.Event

    def run(self) -> None:
        try:
            most = max(len(run.person.images) for run in self.people)
            for start in range(0, most, CHUNK):
                self._enrol([(run, self._read(run, start)) for run in self.people])
        except _Interrupted:
            self._note_rest(Outcome.NOT_REACHED)
        except (GemelError, OSError) as error:
            self._note_rest(Outcome.FAILED, error)

    def _read(self, run: _PersonRun, start: int) -> dict[Path, bytes]:
        images: dict[Path, bytes] = {}
        for path in run.person.images[start : start + CHUNK]:
            self._check()
            try:
                images[path] = path.read_bytes()
            except OSError as error:
                run.note([path], Outcome.FAILED, error)
        return images

    def _enrol(self, read: Sequence[tuple[_PersonRun, dict[Path, bytes]]]) -> None:
        some = [(run, images) for run, images in read if images]
        if not some:
            return
        done = enrol_people(
            self.engine.enroller,
            self.gallery,
            [
                PersonPictures(
                    person=NewIdentity(
                        external_id=run.person.folder, name=run.person.folder.replace("_", " ")
                    ),
                    images=list(images.values()),
                )
                for run, images in some
            ],
            several_faces=self.several_faces,
            allow_duplicates=self.allow_duplicates,
            attributes=self.attributes,
            check=self._check,
            look_for_odd_faces=True,
        )
        for (run, images), one in zip(some, done, strict=True):
            if isinstance(one, GemelError):
                run.note_rest(Outcome.FAILED, one)
            else:
                run.note_outcome(images, one)

    def _check(self) -> None:
        if self.stop.is_set():
            raise _Interrupted

    def _note_rest(self, outcome: Outcome, error: GemelError | OSError | None = None) -> None:
        for run in self.people:
            run.note_rest(outcome, error)
