"""A read replica of an embedded PostgreSQL: a copy of its files that follows it by streaming replication."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url, text

from indexer.records.database.session import Database
from tests.support.faults.backups import address, own, run
from tests.support.faults.postgresql import pg_ctl
from tests.support.home import wait_for


@contextmanager
def read_replica(home: Path, url: str, folder: Path, options: Sequence[str] = ()) -> Iterator[str]:
    """Its URL. `home` and `url`: of the primary server, which runs; `folder`: for the replica's files.
    `options`: of the replica's server, such as `port=5433`; by default it has a socket only."""
    folder.mkdir()
    own(folder, home)
    run(home, "pg_basebackup", "-d", address(url), "-D", folder / "postgresql", "-R", "-cfast")
    own(Path(shutil.copy(home / "postgresql" / "postmaster.opts", folder / "postgresql")), home)
    with tempfile.TemporaryDirectory() as sockets:  # a path that is short enough for a socket
        own(Path(sockets), home)
        settings = ["listen_addresses=''", f"unix_socket_directories={sockets}", *options]
        assert pg_ctl(folder, "start", "-o", " ".join(f"-c {setting}" for setting in settings))
        try:
            query = {"host": sockets}
            yield make_url(url).update_query_dict(query).render_as_string(hide_password=False)
        finally:
            pg_ctl(folder, "stop", "-m", "immediate")


@contextmanager
def lagging(replica: Database) -> Iterator[None]:
    """Within the block the replica applies nothing of what the primary server sends."""
    with replica.reading() as session:
        session.execute(text("SELECT pg_wal_replay_pause()"))
        wait_for(lambda: session.scalar(text("SELECT pg_get_wal_replay_pause_state()")) == "paused")
    try:
        yield
    finally:
        with replica.reading() as session:
            session.execute(text("SELECT pg_wal_replay_resume()"))
