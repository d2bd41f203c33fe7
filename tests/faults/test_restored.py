"""PostgreSQL is restored from a backup: nobody is taken for somebody else, and nobody is lost.

Numbers of changes are taken again after a restore. An index that knows a lost change under a number that
another change has now must not be used.
"""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.errors import GemelError, IndexNotReady
from indexer.records import embedded, galleries
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.replica import maintenance
from tests.support.faults import backups
from tests.support.faults.node import GALLERY, Node, embedding
from tests.support.home import wait_for

BEFORE, LOST = range(10), range(10, 20)
"""People who are in the backup, and who were enrolled after it."""


def who(node: Node, person: int) -> str | None:
    """By a search for the person's face; 503 is asked again."""
    while True:
        try:
            answer = node.identifier.search(GALLERY, embedding(person).tolist(), max_candidates=3)
        except IndexNotReady:
            continue
        best = answer.candidates[0] if answer.candidates else None
        return best.owner.external_id if best is not None and best.score > 0.9 else None


def check(node: Node, others: range) -> None:
    """Each is found as themselves or, where the restore has lost them, not at all."""
    assert node.enrolled() == {*BEFORE, *others}
    found = {person: who(node, person) for person in [*BEFORE, *LOST, *others]}
    assert found == {person: None if person in LOST else str(person) for person in found}
    assert node.verify().count == len(BEFORE) + len(others)
    wait_for(lambda: node.verify().clean)  # the last report of a process may be a second old


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a PostgreSQL that is these tests' alone."""
    home = tmp_path_factory.mktemp("restored")
    embedded.start(home)
    yield home
    embedded.stop(home)


@pytest.fixture
def url(home: Path) -> str:
    """Of a migrated database with an empty gallery."""
    server = embedded.start(home)
    admin = Database(server).engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    admin.execute(text("DROP DATABASE IF EXISTS gemel WITH (FORCE)"))
    admin.execute(text("CREATE DATABASE gemel"))
    admin.close()
    url = server.replace("/postgres?", "/gemel?")
    database = Database(url)
    schema.migrate(database)
    with database.transaction() as session:
        galleries.create(session, GALLERY)
    database.close()
    return url


def others(count: int) -> range:
    return range(100, 100 + count)


def enrol(node: Node, people: range) -> None:
    for person in people:
        node.enrol(person)


@pytest.mark.parametrize("count", [0, 5, 10, 11, 15])
def test_after_a_restore_with_the_server_stopped_nobody_is_taken_for_somebody_else(
    home: Path, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    """`count` new people: the log ends below, at, or above the number that the snapshot has."""
    node = Node(url, tmp_path, keeping=False)
    enrol(node, BEFORE)
    backup = backups.dump(home, url)
    enrol(node, LOST)
    name = maintenance.snapshot(node.index_store, node.gallery())
    node.close()

    backups.restore(home, url, backup)

    node = Node(url, tmp_path, keeping=False)
    enrol(node, others(count))
    assert node.verify().foreign, "the snapshot is named as one of another history"
    with caplog.at_level(logging.WARNING):
        check(node, others(count))
    assert [r for r in caplog.records if name and name in r.getMessage() and r.levelname == "WARNING"]
    node.close()


@pytest.mark.parametrize("keeping", [False, True], ids=["nobody looks after it", "kept in step"])
@pytest.mark.parametrize("count", [0, 5, 10, 11, 15])
def test_after_a_restore_under_a_running_server_nobody_is_taken_for_somebody_else(
    home: Path, url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, keeping: bool, count: int
) -> None:
    node = Node(url, tmp_path, keeping=keeping)
    enrol(node, BEFORE)
    backup = backups.dump(home, url)
    enrol(node, LOST)
    assert who(node, 15) == "15"

    with caplog.at_level(logging.WARNING):
        backups.restore(home, url, backup)
        enrol(node, others(count))
        check(node, others(count))

    if keeping:
        wait_for(lambda: node.index_cache.reports()[0].applied == len(BEFORE) + count)
    assert [r for r in caplog.records if "another history" in r.getMessage()]
    node.close()


def test_while_the_database_is_dropped_and_comes_back_nobody_is_taken_for_somebody_else(
    home: Path, url: str, tmp_path: Path
) -> None:
    """Table by table, while people are searched for."""
    node = Node(url, tmp_path)
    enrol(node, BEFORE)
    backup = backups.dump(home, url)
    enrol(node, LOST)
    wrong: list[str] = []
    over = threading.Event()

    def search() -> None:
        while not over.is_set():
            for person in (3, 15):
                try:
                    found = who(node, person)
                except GemelError:
                    continue
                if found not in (None, str(person)):
                    wrong.append(f"{person} is taken for {found}")

    searching = threading.Thread(target=search)
    searching.start()
    try:
        backups.create_anew(home, url, backup)
        wait_for(lambda: answers(node))
        enrol(node, others(11))
    finally:
        over.set()
        searching.join()

    assert wrong == []
    check(node, others(11))
    node.close()


def test_after_a_restore_of_the_files_nobody_is_taken_for_somebody_else(
    tmp_path: Path,
) -> None:
    """Where a process that follows goes on meanwhile, and one that starts afterwards."""
    home = tmp_path / "postgresql-home"
    url = embedded.start(home)
    database = Database(url)
    schema.migrate(database)
    with database.transaction() as session:
        galleries.create(session, GALLERY)
    database.close()
    node = Node(url, tmp_path / "one")
    try:
        enrol(node, BEFORE)
        backup = backups.copy_files(home)
        wait_for(lambda: answers(node))
        enrol(node, LOST)
        assert who(node, 15) == "15"
        maintenance.snapshot(node.index_store, node.gallery())

        backups.put_files_back(home, backup)
        wait_for(lambda: answers(node))

        enrol(node, others(11))
        check(node, others(11))
        later = Node(url, tmp_path / "one", keeping=False)
        check(later, others(11))
        later.close()
    finally:
        node.close()
        embedded.stop(home)


def answers(node: Node) -> bool:
    try:
        node.gallery()
    except Exception:
        return False
    return True
