"""The embedded PostgreSQL and its users are killed; its data folder is copied and restored."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from indexer.errors import DatabaseUnavailable
from indexer.records import embedded
from indexer.records.embedded import binaries, locks, processes
from tests.support.faults.embedded_user import User
from tests.support.faults.postgresql import kill, pg_ctl, running
from tests.support.home import Home, ready, wait_for


@pytest.fixture
def home(tmp_path: Path, migrated_cluster: Path) -> Iterator[Path]:
    home = tmp_path / "home"
    shutil.copytree(migrated_cluster, home / "postgresql")
    yield home
    embedded.stop(home)
    assert running(home) is None


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def answers(url: str) -> bool:
    try:
        return execute(url, "SELECT 1") == [(1,)]
    except psycopg2.Error:
        return False


def test_a_killed_server_is_restarted_by_its_user(home: Path) -> None:
    url = embedded.start(home)
    execute(url, "CREATE TABLE kept AS SELECT 1 AS one")

    for _ in range(2):
        kill(home)
        wait_for(lambda: answers(url))

    assert execute(url, "SELECT one FROM kept") == [(1,)]


def test_a_killed_server_is_restarted_by_another_user(home: Path) -> None:
    starter = User(home)
    starter.url()
    url = embedded.start(home)
    starter.kill()

    kill(home)

    wait_for(lambda: answers(url))


def test_a_user_leaves_while_the_server_that_it_restarts_has_not_written_its_pid(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.start(home)
    begun = home / "postgresql" / "begun"
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "postgres").write_text(
        f'#!/bin/sh\n[ "$1" = -D ] || exit 0\necho $$ > {begun}\nexec sleep 600\n'
    )
    (programs / "postgres").chmod(0o755)
    monkeypatch.setattr(binaries, "folder", lambda: programs)
    kill(home)
    wait_for(lambda: begun.exists() and begun.read_text().endswith("\n"))

    embedded.stop(home)

    assert not psutil.pid_exists(int(begun.read_text()))


def test_a_server_stopped_by_an_administrator_is_restarted_after_a_while(home: Path) -> None:
    url = embedded.start(home)

    assert pg_ctl(home, "stop", "-m", "fast")

    wait_for(lambda: answers(url))


@pytest.mark.parametrize("number", ["of nobody", "of another process", "of this process"])
def test_after_server_and_users_were_killed_the_next_user_starts_it(home: Path, number: str) -> None:
    """Whichever process has the pid of the dead server by then."""
    user = User(home)
    execute(user.url(), "CREATE TABLE kept AS SELECT 1 AS one")
    user.kill()
    kill(home)
    file = processes.pid_file(home / "postgresql")
    owner = file.stat()
    other = subprocess.Popen(["sleep", "600"], user=owner.st_uid, group=owner.st_gid)
    if number != "of nobody":
        pid = other.pid if number == "of another process" else os.getpid()
        file.write_text("\n".join([str(pid), *file.read_text().splitlines()[1:]]) + "\n")
    try:
        url = embedded.start(home)
    finally:
        other.kill()
        other.wait()

    assert execute(url, "SELECT one FROM kept") == [(1,)]


def test_remaining_processes_of_a_killed_server_do_not_prevent_a_restart(home: Path) -> None:
    """A frozen connection still holds the shared memory of the killed server."""
    url = embedded.start(home)
    connection = psycopg2.connect(url)
    frozen = psutil.Process(connection.info.backend_pid)
    frozen.suspend()

    kill(home)

    wait_for(lambda: answers(url))
    assert not frozen.is_running()
    connection.close()


def test_it_stops_with_the_last_user_even_if_other_users_were_killed(home: Path) -> None:
    killed, last = User(home), User(home)
    killed.url()
    last.url()

    killed.kill()
    assert running(home) is not None
    assert last.leave() == ""

    assert running(home) is None


def test_it_keeps_running_for_its_other_users(home: Path) -> None:
    one, other = User(home), User(home)
    one.url()
    url = other.url()

    one.leave()
    assert answers(url)
    other.leave()

    assert running(home) is None


def test_a_copy_of_a_running_servers_folder_is_a_separate_database(home: Path, tmp_path: Path) -> None:
    url = embedded.start(home)
    execute(url, "CREATE TABLE kept AS SELECT 1 AS one")
    restored = tmp_path / "restored"
    shutil.copytree(home, restored, ignore=lambda _, names: [n for n in names if n.startswith(".s.PGSQL")])

    other = embedded.start(restored)  # root owns the copy if the test runs as root
    try:
        execute(other, "INSERT INTO kept VALUES (2)")
        assert execute(url, "SELECT one FROM kept") == [(1,)]
        assert execute(other, "SELECT one FROM kept ORDER BY one") == [(1,), (2,)]
    finally:
        embedded.stop(restored)


def test_recovery_has_no_time_limit(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    embedded.start(home)
    embedded.stop(home)
    data = home / "postgresql"
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write("restore_command = 'sleep 6; exit 1'\n")
    (data / "recovery.signal").touch()

    url = embedded.start(home)

    assert answers(url)
    assert "has been starting for" in caplog.text


def test_a_user_that_leaves_during_recovery_does_not_wait_for_it(home: Path) -> None:
    embedded.start(home)
    data = home / "postgresql"
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write("restore_command = 'sleep 600; exit 1'\n")
    (data / "recovery.signal").touch()
    killed = kill(home)
    wait_for(lambda: (found := running(home)) is not None and found.pid != killed.pid)

    embedded.stop(home)

    assert running(home) is None
    for process in psutil.process_iter():  # the command survives its server
        with contextlib.suppress(psutil.Error):  # other processes end meanwhile
            if process.name() == "sleep" and process.cwd() == str(data):
                process.kill()


def test_an_invisible_server_prevents_another_from_starting(home: Path) -> None:
    """As a server in another container with the same home."""
    embedded.start(home)
    embedded.stop(home)
    other = locks.lock_for_server(home / "postgresql.running", timeout_seconds=10)
    try:
        with pytest.raises(DatabaseUnavailable, match="another container"):
            embedded.start(home)
    finally:
        os.close(other)

    assert answers(embedded.start(home))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_requests_recover_after_the_server_of_gemel_serve_is_killed(
    tmp_path: Path, migrated_cluster: Path, workers: str
) -> None:
    home = Home(tmp_path, cluster=migrated_cluster)
    with home.server("--workers", workers) as (base, _):
        kill(tmp_path)
        wait_for(lambda: running(tmp_path) is not None)
        wait_for(lambda: ready(base))

    assert running(tmp_path) is None
