"""Whatever is done in whatever order, the index says what a plain set of people says."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.replica import maintenance
from tests.support.faults.driven import Driven, Killed
from tests.support.faults.node import GALLERY, Node
from tests.support.faults.steps import STEPS

PROCESSES = st.sampled_from(["one", "other"])
ABOVE = 50
"""All people."""
PEOPLE = st.integers(0, ABOVE - 1)
EVERY_STEP = st.sampled_from([step for steps in STEPS.values() for step in steps])


class AnyOrder(RuleBasedStateMachine):
    """Two processes on one disk and one database, that are killed now and then."""

    def __init__(self, database: Database, url: str, home: Path) -> None:
        super().__init__()
        self._database = database
        self._url = url
        self._home = home
        self._people: set[int] = set()
        self._processes: dict[str, Driven] = {}
        self._witness = Node(url, home, keeping=False)

    @initialize(count=st.integers(0, 30))
    def begin(self, count: int) -> None:
        with self._database.transaction() as session:
            session.execute(text("TRUNCATE gallery CASCADE"))
            galleries.create(session, GALLERY)
        for person in range(count):
            self._witness.enrol(person)
            self._people.add(person)

    @rule(process=PROCESSES, person=PEOPLE)
    def enrol(self, process: str, person: int) -> None:
        try:
            number = self._do(process, "enrol", person=person)
        except Killed:
            self._settle(self._people | {person})
        else:
            assert (number is None) == (person in self._people)
            self._people.add(person)

    @precondition(lambda self: self._people)
    @rule(process=PROCESSES, which=PEOPLE, number=st.integers(1, 3))
    def photograph(self, process: str, which: int, number: int) -> None:
        """The person's template is replaced; `verify` compares it at the end."""
        person = sorted(self._people)[which % len(self._people)]
        try:
            self._do(process, "photograph", person=person, number=number)
        except Killed:
            pass

    @precondition(lambda self: self._people)
    @rule(process=PROCESSES, which=PEOPLE)
    def delete(self, process: str, which: int) -> None:
        person = sorted(self._people)[which % len(self._people)]
        try:
            self._do(process, "delete", person=person)
        except Killed:
            self._settle(self._people - {person})
        else:
            self._people.remove(person)

    @rule(process=PROCESSES, person=PEOPLE)
    def search(self, process: str, person: int) -> None:
        try:
            assert self._do(process, "search", person=person) == (person in self._people)
        except Killed:
            pass

    @rule(process=PROCESSES, what=st.sampled_from(["snapshot", "rebuild", "swap"]))
    def make_anew(self, process: str, what: str) -> None:
        try:
            self._do(process, what)
        except Killed:
            pass

    @rule(process=PROCESSES, step=EVERY_STEP)
    def will_die(self, process: str, step: str) -> None:
        """Not now, but when it comes to that step."""
        self._do(process, "die", step=step)

    @rule(process=PROCESSES)
    def kill(self, process: str) -> None:
        if process in self._processes:
            self._processes.pop(process).kill()

    @rule()
    def prune_the_log(self) -> None:
        with self._database.transaction() as session:
            session.execute(text("DELETE FROM change"))

    @rule(which=st.integers(0, 99), where=st.floats(0, 1, exclude_max=True))
    def damage_a_file(self, which: int, where: float) -> None:
        files = sorted(path for path in (self._home / "index").glob("*/*/*/*") if path.is_file())
        if files:
            path = files[which % len(files)]
            content = bytearray(path.read_bytes())
            content[int(where * len(content))] ^= 0x10
            path.write_bytes(content)

    def teardown(self) -> None:
        for process in self._processes.values():
            process.kill()
        self._witness.close()
        fresh = Node(self._url, self._home, keeping=False)
        try:
            verification = fresh.verify()
            assert not verification.difference
            assert verification.index_digest == verification.digest or verification.snapshot is None
            assert fresh.enrolled() == self._people
            assert {person for person in range(ABOVE) if fresh.finds(person)} == self._people
            maintenance.rebuild(fresh.index_store, fresh.gallery())
            maintenance.prune_snapshots(fresh.index_store, fresh.gallery(), keep=1)
            assert fresh.verify().clean
        finally:
            fresh.close()

    def _do(self, process: str, what: str, **details: Any) -> Any:
        if process not in self._processes:
            self._processes[process] = Driven(self._url, self._home)
        try:
            return self._processes[process].do(what, **details)
        except Killed:
            del self._processes[process]
            raise

    def _settle(self, if_done: set[int]) -> None:
        """What was being done when the process died is done, or is not begun."""
        enrolled = self._witness.enrolled()
        assert enrolled in (self._people, if_done)
        self._people = enrolled


@pytest.mark.parametrize("examples", [4, pytest.param(60, marks=pytest.mark.long)])
def test_any_order(database: Database, migrated: str, tmp_path: Path, examples: int) -> None:
    numbers = itertools.count()

    class Here(AnyOrder):
        def __init__(self) -> None:
            super().__init__(database, migrated, tmp_path / str(next(numbers)))

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
