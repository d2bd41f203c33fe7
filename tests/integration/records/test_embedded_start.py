"""The first start of the embedded PostgreSQL, in any folder and by any account."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.errors import DatabaseFull, DatabaseUnavailable, GemelError, Misconfigured
from indexer.records import embedded
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.records.embedded import processes
from tests.support import clusters
from tests.support.faults.embedded_user import User

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another account, a small disk")
NOBODY = 65534

HOMES = {
    "a blank": "my home",
    "quotes": 'it\'s "mine"',
    "signs of a shell": "$HOME;`id`&\\",
    "characters of a connection string": "a,b:c@d%41+e?f#g",
    "letters of other alphabets": "домой-家",
    "a path of 150 bytes": "long" * 37 + "/x",
}


@pytest.fixture(autouse=True, scope="module")
def _each_cluster_is_made() -> Iterator[None]:
    with clusters.made_each_time():
        yield


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """150 MB, empty."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", disk], check=True)
    yield disk
    embedded.stop(disk / "home")
    subprocess.run(["umount", disk], check=True)


def test_the_programs_of_postgresql_run() -> None:
    for program in ("pg_dump", "pg_restore", "pg_basebackup", "psql"):
        said = subprocess.run([embedded.programs() / program, "--version"], capture_output=True, text=True)
        assert f"{program} (PostgreSQL) 18" in said.stdout


@pytest.mark.parametrize("name", HOMES.values(), ids=HOMES.keys())
def test_it_starts_in_any_home(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    url = embedded.start(home)
    try:
        database = Database(url)
        schema.migrate(database)
        with database.transaction() as session:
            session.execute(text("SELECT count(*) FROM gallery"))
        listening = database.listen("somewhere")
        listening.close()
        database.close()
        sockets = Path(processes.find_server(home / "postgresql").socket_folder)  # type: ignore[union-attr]
    finally:
        embedded.stop(home)

    assert sockets.stat().st_mode & 0o077 == 0, "other accounts cannot connect"


def test_a_home_with_a_control_character_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="control character"):
        embedded.start(tmp_path / "two\nlines")


def test_the_starting_process_does_not_pass_on_its_locale_and_environment(tmp_path: Path) -> None:
    odd = {"LANG": "xx_YY.junk", "LC_ALL": "zz_ZZ", "PGPORT": "7777", "PGDATA": "/nowhere", "PGUSER": "x"}
    user = User(tmp_path / "home", **odd)
    database = Database(user.url())
    with database.reading() as session:
        row = session.execute(
            text(
                "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding),"
                " current_setting('lc_messages') FROM pg_database WHERE datname = current_database()"
            )
        ).one()
    database.close()
    assert user.leave() == ""

    assert tuple(row) == ("b", "C.UTF-8", "UTF8", "C")


def test_processes_that_start_at_once_share_one_server(tmp_path: Path) -> None:
    users = [User(tmp_path / "home") for _ in range(4)]

    assert len({user.url() for user in users}) == 1

    assert [user.leave() for user in users] == [""] * 4
    assert processes.find_server(tmp_path / "home" / "postgresql") is None


@as_root
def test_each_account_of_a_machine_has_its_own_server(open_to_all: Path) -> None:
    """In any order: they share nothing in the temporary folder."""
    theirs = open_to_all / "theirs"
    theirs.mkdir()
    os.chown(theirs, NOBODY, NOBODY)
    embedded.start(open_to_all / "ours")

    assert as_nobody(lambda: starts_and_stops(theirs)) == "it answered"

    embedded.stop(open_to_all / "ours")
    assert (theirs / "postgresql").stat().st_uid == NOBODY


@as_root
def test_a_home_of_another_account_is_rejected_and_unchanged(open_to_all: Path) -> None:
    home = open_to_all / "home"
    embedded.start(home)
    embedded.stop(home)
    home.chmod(0o755)
    for file in home.glob("postgresql.*"):
        file.chmod(0o666)

    said = as_nobody(lambda: starts_and_stops(home))

    assert "belongs to the account pgserver" in said
    assert "set GEMEL_HOME" in said


@as_root
def test_root_opens_no_folder_to_everybody(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    home = private / "home"
    embedded.start(home)
    embedded.stop(home)

    for folder in (private, home, home / "postgresql"):
        assert folder.stat().st_mode & stat.S_IRWXO == 0, folder
        assert folder.stat().st_mode & stat.S_IRGRP == 0, folder


def test_another_account_cannot_delay_the_start_in_a_home_of_an_older_version(tmp_path: Path) -> None:
    """Whoever can read a lock file can take the lock."""
    (tmp_path / "postgresql.lock").touch()
    (tmp_path / "postgresql.lock").chmod(0o644)
    embedded.start(tmp_path)
    embedded.stop(tmp_path)

    for path in tmp_path.glob("postgresql.*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


@as_root
def test_a_backup_that_root_restored_starts(tmp_path: Path) -> None:
    """Root owns the files, and their modes are those of the umask."""
    home = tmp_path / "home"
    embedded.start(home)
    embedded.stop(home)
    for path in (home / "postgresql", *(home / "postgresql").rglob("*")):
        os.chown(path, 0, 0)
        path.chmod(0o755 if path.is_dir() else 0o644)

    embedded.start(home)
    embedded.stop(home)


def test_a_data_folder_of_another_version_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "postgresql").mkdir(mode=0o700)
    (tmp_path / "postgresql" / "PG_VERSION").write_text("16\n")

    with pytest.raises(Misconfigured, match=r"PostgreSQL 16, .* has 18"):
        embedded.start(tmp_path)


def test_a_folder_that_is_no_database_is_rejected_and_unchanged(tmp_path: Path) -> None:
    (tmp_path / "postgresql").mkdir(mode=0o700)
    (tmp_path / "postgresql" / "precious").touch()

    with pytest.raises(Misconfigured, match="restore it from a backup"):
        embedded.start(tmp_path)

    assert (tmp_path / "postgresql" / "precious").exists()


def test_the_error_of_a_failed_start_has_postgresqls_reason(tmp_path: Path) -> None:
    embedded.start(tmp_path)
    embedded.stop(tmp_path)
    with (tmp_path / "postgresql" / "postgresql.conf").open("a") as settings:
        settings.write("shared_buffers = 'a lot'\n")

    with pytest.raises(DatabaseUnavailable, match=r"cannot start .*: .*(shared_buffers|configuration file)"):
        embedded.start(tmp_path)


@as_root
def test_a_disk_too_small_for_a_database_is_rejected_before_it_is_created(small_disk: Path) -> None:
    home = small_disk / "home"
    fill(small_disk, leave=30_000_000)

    with pytest.raises(DatabaseFull, match=r"MB free, and a new database needs .* GEMEL_HOME"):
        embedded.start(home)

    assert list(home.glob("postgresql*new*")) == []


@as_root
def test_a_disk_that_fills_up_during_creation_gives_an_error_and_leaves_no_files(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a quota below the free space of the disk."""
    monkeypatch.setattr("indexer.records.embedded.cluster.MIN_FREE_BYTES", 0)
    home = small_disk / "home"
    fill(small_disk, leave=30_000_000)

    with pytest.raises(DatabaseFull, match="the disk is full"):
        embedded.start(home)
    assert list(home.glob("postgresql*new*")) == []

    (small_disk / "filling").unlink()
    embedded.start(home)


@as_root
def test_a_database_on_a_full_disk_gives_an_error_and_starts_once_there_is_space(small_disk: Path) -> None:
    home = small_disk / "home"
    embedded.start(home)
    embedded.stop(home)
    fill(small_disk, leave=0)

    with pytest.raises(DatabaseFull, match="free some space"):
        embedded.start(home)

    (small_disk / "filling").unlink()
    embedded.start(home)


def fill(disk: Path, *, leave: int) -> None:
    with (disk / "filling").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - leave)


@pytest.fixture
def open_to_all(tmp_path: Path) -> Path:
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(0o755)
    return tmp_path


def starts_and_stops(home: Path) -> str:
    try:
        database = Database(embedded.start(home))
        with database.reading() as session:
            assert session.scalar(text("SELECT 1")) == 1
        database.close()
        embedded.stop(home)
    except GemelError as error:
        return error.message
    return "it answered"


def as_nobody(do: Callable[[], str]) -> str:
    """Of a forked process: the account need not be able to read this Python."""
    theirs, ours = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(ours, do().encode())
        finally:
            os._exit(0)
    os.close(ours)
    with open(theirs) as said:
        answer = said.read()
    os.waitpid(pid, 0)
    return answer
