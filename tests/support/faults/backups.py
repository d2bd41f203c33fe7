"""Backups of a PostgreSQL, taken and restored with its own programs."""

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import make_url

from indexer.records import embedded


def run(home: Path, program: str, *arguments: object) -> None:
    """One of the programs of the server in `home`, as the user to whom its files belong."""
    done = attempt(home, program, *arguments)
    assert done.returncode == 0, done.stderr


def attempt(home: Path, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    data = home / "postgresql"
    path = Path((data / "postmaster.opts").read_text().split()[0]).with_name(program)
    owner = data.stat()
    return subprocess.run(
        [path, *map(str, arguments)],
        capture_output=True,
        text=True,
        user=owner.st_uid,
        group=owner.st_gid,
        check=False,
        cwd="/",
    )


def address(url: str) -> str:
    """As PostgreSQL's own programs want it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def shared_folder(home: Path) -> Path:
    """Where the server's user can write."""
    folder = home / "backups"
    folder.mkdir(exist_ok=True)
    own(folder, home)
    return folder


def own(folder: Path, home: Path) -> None:
    """Gives a folder to the user of the server in `home`."""
    owner = (home / "postgresql").stat()
    os.chown(folder, owner.st_uid, owner.st_gid)


def dump(home: Path, url: str) -> Path:
    backup = shared_folder(home) / "gemel.dump"
    run(home, "pg_dump", "--format=custom", "--file", backup, address(url))
    return backup


def restore(home: Path, url: str, backup: Path) -> None:
    """Over what is there, in one transaction, whoever is connected; again where it lost a deadlock."""
    program = ("pg_restore", "--clean", "--if-exists", "--single-transaction", "-d", address(url), backup)
    while (done := attempt(home, *program)).returncode != 0:
        assert "deadlock detected" in done.stderr, done.stderr


def create_anew(home: Path, url: str, backup: Path) -> None:
    """The database is dropped, whoever is connected, and comes back table by table."""
    name = str(make_url(url).database)
    run(home, "dropdb", "--force", "--maintenance-db", address(_server(url)), name)
    run(home, "createdb", "--maintenance-db", address(_server(url)), name)
    run(home, "pg_restore", "-d", address(url), backup)


def _server(url: str) -> str:
    return make_url(url).set(database="postgres").render_as_string(hide_password=False)


def copy_files(home: Path) -> Path:
    """Of the server that this process uses alone: it is stopped, and started again."""
    embedded.stop(home)
    backup = home / "files"
    subprocess.run(["cp", "-a", home / "postgresql", backup], check=True)
    embedded.start(home)
    return backup


def put_files_back(home: Path, backup: Path) -> None:
    """Likewise."""
    embedded.stop(home)
    shutil.rmtree(home / "postgresql")
    subprocess.run(["cp", "-a", backup, home / "postgresql"], check=True)
    embedded.start(home)
