"""People come, get a second photograph, lose it to somebody else, and go. A dictionary says whose is whose.

Each worker is alone with its own people, so the dictionary says at any moment what a search must answer. What
fails is asked for again until it is done, as a careful client would; a search that fails is an error, one
that answers something else is wrong.
"""

import hashlib
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy import select

from indexer.errors import ExternalIdTaken, FaceExists, GemelError
from indexer.records.database.session import Database
from indexer.records.tables import Face, Identity
from indexer.usecases.people.editor import PeopleEditor
from tests.support.faults.node import FURTHER, GALLERY, Node, embedding

SECOND = 60 * FURTHER
"""A person's second photograph has the person's number plus this. It is so far from the first (cosine 0.3)
that a search tells the two apart."""
NEAR = 0.6
"""Who has the photograph scores 0.7 at least, by the face and the mean of their faces; others 0.4 at most."""
FIRST = 500_000
PEOPLE_EACH = 50_000
"""Numbers of people for each worker, from FIRST on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One search, or one attempt at a change."""

    worker: int
    at: float
    """Seconds of the wall clock, when it began."""
    seconds: float
    kind: str
    outcome: str
    """`right`, `wrong: ...`, or the code of an error."""


class Worker:
    """A thread with people of its own; a context manager."""

    def __init__(self, node: Node, number: int, *, note: Callable[[Note], None], pause: float = 0) -> None:
        """`pause`: seconds after each person."""
        self._node = node
        self._number = number
        self._next = FIRST + number * PEOPLE_EACH
        self._note = note
        self._pause = pause
        self._editor = PeopleEditor(database=node.database, index_cache=node.index_cache)
        self._order = random.Random(number)
        self.owners: dict[int, int | None] = {}
        """The model: for each photograph that was ever enrolled, the person whose it is; None: deleted."""
        self._broken: BaseException | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"worker {number}")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        if self._broken is not None:
            raise self._broken

    @property
    def people(self) -> int:
        """How many have come so far. Raises what ended the worker before its time."""
        if self._broken is not None:
            raise self._broken
        return self._next % PEOPLE_EACH

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self._one_person(self._next)
                self._next += 1
                self._ending.wait(self._pause)
        except BaseException as broken:  # is raised where the block ends
            self._broken = broken

    def _one_person(self, person: int) -> None:
        first, second = person, person + SECOND
        if not self._insist("enrol", lambda: self._enrol(person)):
            return
        self.owners[first] = person
        self.look(first)
        if not self._insist("photograph", lambda: self._node.photograph(person, SECOND // FURTHER)):
            return
        self.owners[second] = person
        self.look(second)
        before = person - 1
        if person % 2 and self.owners.get(before) == before:  # the second one was another's
            if not self._insist("move", lambda: self._move(second, person, before)):
                return
            self.owners[second] = before
            self.look(second)
            self.look(first)
        if person % 3 == 0:
            if not self._insist("delete", lambda: self._delete(person)):
                return
            self.owners |= {one: None for one, owner in self.owners.items() if owner == person}
            self.look(first)
        self.look(self._order.choice(list(self.owners)))

    def look(self, photograph: int) -> None:
        """Searches for it: its owner must be first; nobody may resemble one that was deleted."""

        def search() -> str:
            found = self._node.identifier.search(
                GALLERY, embedding(photograph).tolist(), max_candidates=3
            ).candidates
            near = [candidate.owner.external_id for candidate in found if candidate.score > NEAR]
            owner = self.owners[photograph]
            expected = [] if owner is None else [str(owner)]
            return "right" if near == expected else f"wrong: {near}, not {expected}"

        self._attempt("search", search)

    def look_at_all(self, note: Callable[[Note], None]) -> None:
        """Once more at each photograph, after the worker has ended."""
        self._note = note
        for photograph in self.owners:
            self.look(photograph)

    def _insist(self, kind: str, change: Callable[[], object]) -> bool:
        """Until it is done. False if the worker is to end before."""

        def done() -> str:
            change()
            return "right"

        while self._attempt(kind, done) != "right":
            if self._ending.wait(0.05):
                return False
        return True

    def _attempt(self, kind: str, action: Callable[[], str]) -> str:
        at, began = time.time(), time.perf_counter()
        try:
            outcome = action()
        except GemelError as error:
            outcome = error.code
        seconds = time.perf_counter() - began
        self._note(Note(worker=self._number, at=at, seconds=seconds, kind=kind, outcome=outcome))
        return outcome

    def _enrol(self, person: int) -> None:
        try:
            self._node.enrol(person)
        except ExternalIdTaken:  # an earlier attempt was committed, and its answer lost
            if person in self.owners:
                raise

    def _delete(self, person: int) -> None:
        found = self._node.identity(person)
        if found is not None:
            self._node.enroller.remove_identity(GALLERY, found.id)

    def _move(self, photograph: int, person: int, to: int) -> None:
        face = face_of(self._node.database, photograph)
        target = self._node.identity(to)
        assert face is not None
        assert target is not None
        if face.identity_id == target.id:  # likewise
            return
        try:
            self._editor.move(GALLERY, face.identity_id, [face.id], target.id)
        except FaceExists:
            raise AssertionError(f"{photograph} of {person} is {to}'s twice") from None


def face_of(database: Database, photograph: int) -> Face | None:
    """The enrolled face of the photograph."""
    digest = hashlib.sha256(str(photograph).encode()).digest()
    with database.reading() as session:
        return session.scalars(select(Face).where(Face.image_sha256 == digest)).one_or_none()


def differences(database: Database, owners: dict[int, int | None]) -> list[str]:
    """Photographs that PostgreSQL has of somebody else than the model says: lost, or not deleted."""
    found = []
    with database.reading() as session:
        rows = session.execute(
            select(Face.image_sha256, Identity.external_id).join(Identity, Identity.id == Face.identity_id)
        ).tuples()
        stored = dict(rows.all())
    for photograph, owner in owners.items():
        has = stored.get(hashlib.sha256(str(photograph).encode()).digest())
        if has != (None if owner is None else str(owner)):
            found.append(f"photograph {photograph} is {has}'s, not {owner}'s")
    return found
