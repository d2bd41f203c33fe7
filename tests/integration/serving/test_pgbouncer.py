"""Gemel behind PgBouncer in transaction mode: every transaction may run on another connection."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records import galleries
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline_factory
from service.app import create_app
from tests.support.emptied import empty
from tests.support.faults.node import GALLERY, Node
from tests.support.faults.pgbouncer import PROGRAM, pgbouncer
from tests.support.home import Home, wait_for
from tests.support.reindexing import NEW, Operator, enrol, who

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no pgbouncer (Debian: pgbouncer)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pooled")


@pytest.fixture(scope="module")
def direct(migrated_cluster: Path, folder: Path) -> Iterator[str]:
    """URL of a PostgreSQL of its own."""
    with Home(folder, cluster=migrated_cluster) as home:
        yield home.database_url


@pytest.fixture(scope="module")
def pooled(direct: str, folder: Path) -> Iterator[str]:
    """URL of a PgBouncer before it."""
    with pgbouncer(folder, direct) as url:
        yield url


def test_two_servers_and_a_worker_do_through_pgbouncer_what_they_do_without_it(
    pooled: str, tmp_path: Path, hopper: bytes, collins: bytes
) -> None:
    database = Database(pooled)
    schema.migrate(database)
    homes = [Settings(home=tmp_path / name, database_url=pooled, threads=4) for name in ("one", "other")]
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(TestClient(create_app(settings), raise_server_exceptions=False))
            for settings in homes
        )
        one.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        enrol(one, "Grace", hopper)
        eileen = enrol(other, "Eileen", collins)
        found = who(other, hopper)[0], who(one, collins)[0]
        other.delete(f"/v1/galleries/staff/identities/{eileen}").raise_for_status()
        after = who(one, collins)[0]
        factory = stack.enter_context(open_pipeline_factory(homes[0]))
        operator = Operator(homes[0], database, factory)
        done = operator.work(operator.start())

        assert found == ("Grace", "Eileen")
        assert after == "Grace", "nobody else is left"
        assert (done.row.state, done.row.problem) == ("ready", None)
        assert operator.embeddings(NEW.fingerprint) == 1
        assert operator.clean()
    database.close()


def test_through_pgbouncer_an_index_follows_the_log_in_the_background_without_notifications(
    pooled: str, tmp_path: Path
) -> None:
    database = Database(pooled)
    empty(database)
    with database.transaction() as session:
        galleries.create(session, GALLERY)
    with ExitStack() as stack:
        stack.callback(database.close)
        nodes = [Node(pooled, tmp_path / name) for name in ("one", "other")]
        for node in nodes:
            stack.callback(node.close)
        one, other = nodes
        one.enrol(1)
        assert other.finds(1)

        change = one.enrol(2)

        wait_for(lambda: other.index_cache.reports()[0].applied >= change)


def test_with_a_reset_after_each_transaction_the_timeouts_of_the_role_hold(direct: str, folder: Path) -> None:
    """Those that Gemel sets on a connection would hold for whoever gets that connection next."""
    owner = Database(direct)
    with owner.transaction() as session:
        session.execute(text("ALTER ROLE CURRENT_USER SET lock_timeout = '7s'"))
    with pgbouncer(folder, direct, settings=["server_reset_query_always = 1"]) as url:
        database = Database(url)
        with ThreadPoolExecutor(8) as threads:
            timeouts = set(threads.map(lambda _: _lock_timeout(database), range(40)))
        database.close()
    with owner.transaction() as session:
        session.execute(text("ALTER ROLE CURRENT_USER RESET lock_timeout"))
    owner.close()

    assert timeouts == {"7s"}


def _lock_timeout(database: Database) -> str:
    with database.reading() as session:
        session.execute(text("SELECT pg_sleep(0.01)"))  # so that several connections are in use
        return str(session.scalar(text("SHOW lock_timeout")))
