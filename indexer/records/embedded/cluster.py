"""The data folder: made once, and looked after before each start."""

import os
import re
import shutil
import stat
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

from indexer.errors import DatabaseFull, Misconfigured
from indexer.records.embedded import account as accounts
from indexer.records.embedded import binaries, failures
from indexer.records.embedded.account import Account

PORT = 5432
"""Part of the socket's name; nothing listens on the network."""
SUPERUSER = "postgres"
LEAST_FREE_BYTES = 120_000_000
"""Of the disk, for a new folder: 40 MB of tables, and the write-ahead log's first 80 MB."""
MAX_CONNECTIONS = 300
SOCKET_NAME_BYTES = 107
"""The longest path of a socket that Linux knows."""


def create(data: Path, account: Account) -> None:
    """Made aside and renamed: what is killed or runs out of disk leaves nothing half made.

    Nothing depends on the locales and the variables of whoever is the first to start it.
    Raises DatabaseFull, DatabaseUnavailable, OSError.
    """
    for leftover in data.parent.glob(f"{data.name}.*.new"):
        shutil.rmtree(leftover, ignore_errors=True)
    free = shutil.disk_usage(data.parent).free
    if free < LEAST_FREE_BYTES:
        raise DatabaseFull(
            f"{data.parent} has {free / 1e6:.0f} MB free, and a new database begins with"
            f" {LEAST_FREE_BYTES / 1e6:.0f} MB: free some room, or set GEMEL_HOME to a larger disk"
        )
    aside = data.with_name(f"{data.name}.{os.getpid()}.new")
    aside.mkdir(mode=0o700)
    try:
        accounts.own(aside, account)
        done = subprocess.run(
            [
                *(binaries.folder() / "initdb", "-D", aside, "-U", SUPERUSER, "--auth=trust"),
                *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *("--set", f"max_connections={MAX_CONNECTIONS}"),
            ],
            **account.of_process,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            cwd="/",
            env=environment(),
        )
        if done.returncode != 0:
            raise failures.of_output(f"no database could be made in {data}", done.stderr)
        aside.rename(data)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def prepare(data: Path, account: Account) -> Path:
    """After a restore the owner, the mode or the version may be other ones. The programs that can read it.

    Raises Misconfigured.
    """
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise Misconfigured(
            f"{data} is not a database: PG_VERSION is missing; restore it from a backup, or move it away to"
            " begin anew"
        ) from None
    if version != str(binaries.MAJOR):
        raise Misconfigured(
            f"{data} was made by PostgreSQL {version}, and this installation has {binaries.MAJOR}: dump it"
            f" with pg_dump of {version}, and restore it into a new GEMEL_HOME"
        )
    if not account.is_own and data.stat().st_uid != account.uid:
        accounts.own(data, account)
    if stat.S_IMODE(data.stat().st_mode) & 0o027:
        data.chmod(0o700)
    return binaries.folder()


def socket_folder(data: Path, account: Account) -> Path:
    """The data folder, which is nobody else's; or where its path is too long for a socket, or has
    signs in it that a connection string gives a meaning, a folder below the temporary one.

    Raises Misconfigured.
    """
    if re.fullmatch(r"[A-Za-z0-9/._+-]+", str(data)) and _fits(data):
        return data
    name = sha256(os.fsencode(data)).hexdigest()[:16]
    for place in ("/tmp", tempfile.gettempdir()):  # noqa: S108
        folder = Path(place) / f"gemel-{account.uid}-{name}"
        if _fits(folder) and _is_own(folder, account):
            return folder
    raise Misconfigured(f"there is no place for the socket of {data}: set GEMEL_HOME to a shorter path")


def environment() -> dict[str, str]:
    """Without variables that would change the server: PGPORT, PGOPTIONS, locales that are not there."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_", "LANG", "GEMEL_"))
    }
    return kept | {"LC_ALL": "C"}


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_NAME_BYTES


def _is_own(folder: Path, account: Account) -> bool:
    """Makes it where it is missing. A folder that somebody else has put there is not used."""
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        pass
    except OSError:
        return False
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and not found.st_mode & 0o077
