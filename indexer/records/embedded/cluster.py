"""The data folder (in PostgreSQL's words, a cluster): created once, checked before each start."""

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
MIN_FREE_BYTES = 120_000_000
"""Free disk space that a new folder needs: 40 MB of tables, and the first 80 MB of the write-ahead log."""
MAX_CONNECTIONS = 300
SOCKET_NAME_BYTES = 107
"""The longest path of a socket on Linux."""


def create(data: Path, account: Account) -> None:
    """Creates the data folder under another name and renames it, so that a killed process or a full disk
    leaves nothing half finished.

    The result does not depend on the locale and the environment of the process that creates it. Raises
    DatabaseFull, DatabaseUnavailable, OSError.
    """
    for leftover in data.parent.glob(f"{data.name}.*.new"):
        shutil.rmtree(leftover, ignore_errors=True)
    free = shutil.disk_usage(data.parent).free
    if free < MIN_FREE_BYTES:
        raise DatabaseFull(
            f"{data.parent} has {free / 1e6:.0f} MB free, and a new database needs"
            f" {MIN_FREE_BYTES / 1e6:.0f} MB: free some space, or set GEMEL_HOME to a larger disk"
        )
    aside = data.with_name(f"{data.name}.{os.getpid()}.new")
    aside.mkdir(mode=0o700)
    try:
        accounts.give_to(aside, account)
        done = subprocess.run(
            [
                *(binaries.folder() / "initdb", "-D", aside, "-U", SUPERUSER, "--auth=trust"),
                *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *("--set", f"max_connections={MAX_CONNECTIONS}"),
            ],
            **account.popen_options,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            cwd="/",
            env=environment(),
        )
        if done.returncode != 0:
            raise failures.from_output(f"cannot create a database in {data}", done.stderr)
        aside.rename(data)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def prepare(data: Path, account: Account) -> Path:
    """Corrects the owner and the mode, which a restore may have changed, and checks the version.

    Returns the folder of the programs that can read the data. Raises Misconfigured.
    """
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise Misconfigured(
            f"{data} is not a database: PG_VERSION is missing; restore it from a backup, or move it away to"
            " start with an empty database"
        ) from None
    if version != str(binaries.MAJOR):
        raise Misconfigured(
            f"{data} was created by PostgreSQL {version}, and this installation has {binaries.MAJOR}: dump it"
            f" with pg_dump of version {version}, and restore the dump into a new GEMEL_HOME"
        )
    if not account.is_own and data.stat().st_uid != account.uid:
        accounts.give_to(data, account)
    if stat.S_IMODE(data.stat().st_mode) & 0o027:
        data.chmod(0o700)
    return binaries.folder()


def socket_folder(data: Path, account: Account) -> Path:
    """The folder of the socket: the data folder, or a folder below /tmp if the path is too long for a socket
    or contains characters with a meaning in a connection string.

    Raises Misconfigured.
    """
    if re.fullmatch(r"[A-Za-z0-9/._+-]+", str(data)) and _fits(data):
        return data
    name = sha256(os.fsencode(data)).hexdigest()[:16]
    for place in ("/tmp", tempfile.gettempdir()):  # noqa: S108
        folder = Path(place) / f"gemel-{account.uid}-{name}"
        if _fits(folder) and _claim(folder, account):
            return folder
    raise Misconfigured(f"cannot place the socket of {data}: set GEMEL_HOME to a shorter path")


def environment() -> dict[str, str]:
    """Without variables that would change the server: PGPORT, PGOPTIONS, missing locales."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "LC_", "LANG", "GEMEL_"))
    }
    return kept | {"LC_ALL": "C"}


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_NAME_BYTES


def _claim(folder: Path, account: Account) -> bool:
    """Creates the folder if it is missing. False if another account owns it, or may write to it."""
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, account.uid, account.gid)
    except FileExistsError:
        pass
    except OSError:
        return False
    found = folder.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and not found.st_mode & 0o077
