"""PgBouncer in transaction mode before an embedded PostgreSQL (https://www.pgbouncer.org/config.html)."""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url

from indexer.errors import GemelError
from indexer.records.database.session import Database
from tests.support.faults.backups import own
from tests.support.home import wait_for

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


@contextmanager
def pgbouncer(
    home: Path, url: str, *, address: str = "127.0.0.1", settings: Sequence[str] = ()
) -> Iterator[str]:
    """The URL of a PgBouncer. `home` and `url`: of the PostgreSQL, which runs. `settings`: further lines of
    its configuration."""
    assert PROGRAM is not None
    server = make_url(url)
    host = server.query.get("host", server.host)
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "users").write_text(f'"{server.username}" ""\n')
        (folder / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"* = host={host} port={server.query.get('port', server.port or 5432)}\n"
            "[pgbouncer]\n"
            f"listen_addr = {address}\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {folder / 'users'}\n"
            "pool_mode = transaction\n"
            "default_pool_size = 5\n"  # fewer than the connections of one server
            f"logfile = {folder / 'log'}\n" + "".join(f"{line}\n" for line in settings)
        )
        for path in (folder, *folder.iterdir()):
            own(path, home)
        owner = (home / "postgresql").stat()
        process = subprocess.Popen(
            [PROGRAM, "-q", folder / "pgbouncer.ini"],
            user=owner.st_uid,
            group=owner.st_gid,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        pooled = server.set(host=address, port=port, query={}).render_as_string(hide_password=False)
        try:
            wait_for(lambda: process.poll() is not None or _answers(pooled))
            assert process.poll() is None, (folder / "log").read_text()
            yield pooled
        finally:
            process.terminate()
            process.wait()


def _answers(url: str) -> bool:
    database = Database(url, pool_size=1)
    try:
        with database.reading():
            return True
    except GemelError:
        return False
    finally:
        database.close()
