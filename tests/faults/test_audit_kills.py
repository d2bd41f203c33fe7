"""Whatever is killed while events are written: the chain is whole, and has what was acknowledged."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from indexer.audit.verification import verify
from indexer.records import embedded
from indexer.records.audit import rows
from indexer.records.audit.rows import Filter
from indexer.records.database.session import Database
from tests.support.faults.postgresql import kill
from tests.support.home import Home

ROOT = Path(__file__).parents[2]
EVENTS = 40


@pytest.fixture
def home(tmp_path: Path, migrated_cluster: Path) -> Iterator[Home]:
    with Home(tmp_path / "home", cluster=migrated_cluster) as home:
        yield home


def writer(url: str, kind: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.support.faults.audit_writer", url, kind]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ.copy()
    )


def acknowledged(processes: "list[subprocess.Popen[str]]", count: int) -> set[UUID]:
    """The first `count` ids of each."""
    ids = set()
    for process in processes:
        assert process.stdout is not None
        ids |= {UUID(process.stdout.readline().strip()) for _ in range(count)}
    return ids


def rest(processes: "list[subprocess.Popen[str]]") -> set[UUID]:
    """What they printed besides, until they were killed: whole lines only."""
    ids = set()
    for process in processes:
        assert process.stdout is not None
        with process.stdout:
            ids |= {UUID(line.strip()) for line in process.stdout if line.endswith("\n")}
        process.wait()
    return ids


def recorded(database: Database) -> set[UUID]:
    with database.reading() as session:
        return {row.id for row in rows.newest(session, Filter(), before=None, limit=1_000_000)}


def test_processes_that_write_at_the_same_time_and_are_killed_leave_a_whole_chain(home: Home) -> None:
    database = Database(embedded.start(home.folder))
    url = database.engine.url.render_as_string(hide_password=False)
    processes = [writer(url, kind) for kind in ("changes", "searches", "changes")]
    try:
        ids = acknowledged(processes, EVENTS)
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
    ids |= rest(processes)

    result = verify(database)

    assert result.intact, result.problems
    assert result.rows >= len(ids) >= 3 * EVENTS
    assert ids <= recorded(database)
    database.close()
    embedded.stop(home.folder)


def test_where_postgresql_is_killed_the_chain_is_whole_and_has_all_changes(home: Home) -> None:
    """Searches of the last second may be missing: their commit does not wait for the disk."""
    database = Database(embedded.start(home.folder))
    url = database.engine.url.render_as_string(hide_password=False)
    changes, searches = [writer(url, "changes")], [writer(url, "searches")]
    try:
        ids = acknowledged(changes, EVENTS)
        acknowledged(searches, EVENTS)
        kill(home.folder)
    finally:
        for process in (*changes, *searches):  # PostgreSQL may be restarted before they notice
            process.kill()
    ids |= rest(changes)
    rest(searches)
    database.close()

    embedded.stop(home.folder)
    database = Database(embedded.start(home.folder))
    result = verify(database)

    assert result.intact, result.problems
    assert ids <= recorded(database)
    database.close()
    embedded.stop(home.folder)
