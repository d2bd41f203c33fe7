"""People come and go while something breaks; it notes what was acknowledged."""

import threading
from collections.abc import Callable
from types import TracebackType

from indexer.errors import ExternalIdTaken, GemelError
from tests.support.faults.node import GALLERY, Node


class Load:
    """Enrols person after person from `first` on, deletes every third again, and searches for each.

    What fails is asked for again until it is done, as a careful client would.
    """

    def __init__(self, node: Node, *, first: int) -> None:
        self._node = node
        self._next = self._first = first
        self.enrolled: set[int] = set()
        self.deleted: set[int] = set()
        self.wrong: list[str] = []
        self.errors: list[GemelError] = []
        self.broken: BaseException | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")

    @property
    def done(self) -> int:
        """People that were acknowledged so far. Raises what ended the load before its time."""
        if self.broken is not None:
            raise self.broken
        return self._next - self._first

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        if self.broken is not None:
            raise self.broken

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as broken:  # is raised where the load ends
            self.broken = broken

    def _work(self) -> None:
        while not self._ending.is_set():
            person = self._next
            self._insist(self._enrol, person)
            self.enrolled.add(person)
            self._look(person, expected=True)
            if person % 3 == 0:
                self._insist(self._delete, person)
                self.enrolled.discard(person)
                self.deleted.add(person)
                self._look(person, expected=False)
            self._next = person + 1

    def _insist(self, what: Callable[[int], None], person: int) -> None:
        while True:
            try:
                what(person)
            except GemelError as error:
                self.errors.append(error)
                self._ending.wait(0.01)
            else:
                return

    def _enrol(self, person: int) -> None:
        try:
            self._node.enrol(person)
        except ExternalIdTaken:  # an earlier attempt was committed, and its answer lost
            assert self.errors

    def _delete(self, person: int) -> None:
        found = self._node.identity(person)
        if found is not None:
            self._node.enroller.remove_identity(GALLERY, found.id)

    def _look(self, person: int, *, expected: bool) -> None:
        """An answer may fail to come; a wrong one may not."""
        try:
            if self._node.finds(person) is not expected:
                self.wrong.append(f"{person} is {'not ' if expected else ''}found")
        except GemelError as error:
            self.errors.append(error)
