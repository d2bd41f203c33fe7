"""A replica of PostgreSQL is promoted that lacks the primary's last seconds.

Those people are lost, and nobody is taken for one of them.
"""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from indexer.errors import GemelError
from indexer.records import embedded, galleries
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.replica import maintenance
from tests.faults.test_restored import BEFORE, LOST, check, enrol, others, who
from tests.support.faults.backups import address, own, run
from tests.support.faults.node import GALLERY, Node
from tests.support.faults.postgresql import pg_ctl
from tests.support.home import wait_for


@pytest.fixture
def sockets() -> Iterator[tuple[Path, Path]]:
    """Folders whose paths are short enough for sockets."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for name in ("a", "b"):
            (Path(folder) / name).mkdir()
        yield Path(folder) / "a", Path(folder) / "b"


def start(home: Path, sockets: Path) -> None:
    assert pg_ctl(home, "start", "-o", f"-c listen_addresses='' -p 5432 -k {sockets}")


def faces(database: Database) -> int:
    """That it has; -1 while it does not answer."""
    try:
        with database.reading() as session:
            return galleries.get(session, GALLERY).face_count
    except GemelError:
        return -1


def test_after_a_replica_is_promoted_nobody_is_taken_for_somebody_the_primary_alone_had(
    tmp_path: Path, sockets: tuple[Path, Path]
) -> None:
    home, replica_home = tmp_path / "primary", tmp_path / "replica"
    made = embedded.start(home)
    embedded.stop(home)
    urls = [
        make_url(made).update_query_dict({"host": str(folder)}).render_as_string(hide_password=False)
        for folder in sockets
    ]
    replica_home.mkdir()
    for folder in (*sockets, replica_home):
        own(folder, home)
    start(home, sockets[0])
    primary, replica = map(Database, urls)
    schema.migrate(primary)
    with primary.transaction() as session:
        galleries.create(session, GALLERY)
    node = Node(urls[0], tmp_path / "one")
    try:
        enrol(node, BEFORE)
        run(home, "pg_basebackup", "-d", address(urls[0]), "-D", replica_home / "postgresql", "-R", "-cfast")
        own(Path(shutil.copy(home / "postgresql" / "postmaster.opts", replica_home / "postgresql")), home)
        start(replica_home, sockets[1])
        wait_for(lambda: faces(replica) == len(BEFORE))
        stop_replicating(replica)

        enrol(node, LOST)
        assert who(node, 15) == "15"
        maintenance.snapshot(node.index_store, node.gallery())
        assert faces(replica) == len(BEFORE)
        kill(home)
        assert pg_ctl(replica_home, "promote")
        assert pg_ctl(replica_home, "stop", "-m", "fast")
        start(replica_home, sockets[0])  # under the primary's address
        wait_for(lambda: faces(primary) == len(BEFORE))

        enrol(node, others(11))
        check(node, others(11))
        later = Node(urls[0], tmp_path / "one", keeping=False)
        check(later, others(11))
        later.close()
    finally:
        node.close()
        pg_ctl(replica_home, "stop", "-m", "immediate")


def stop_replicating(replica: Database) -> None:
    with replica.reading() as session:
        session.execute(text("ALTER SYSTEM SET primary_conninfo = ''"))
        session.execute(text("SELECT pg_reload_conf()"))
        wait_for(lambda: session.scalar(text("SELECT count(*) FROM pg_stat_wal_receiver")) == 0)


def kill(home: Path) -> None:
    pid = int((home / "postgresql" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
