"""Where the driver's errors become Gemel's."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from indexer.errors import Busy, DatabaseNotMigrated, DatabaseUnavailable, Misconfigured
from indexer.records.database import liveness, schema
from indexer.records.database.session import JOB_TIMEOUTS, Database, driver_url

BACKEND = text("SELECT pg_backend_pid()")


def administrator(database: Database) -> Connection:
    return Database(database.engine.url.render_as_string(hide_password=False)).engine.connect()


def end_backends(database: Database, pids: Sequence[int | None]) -> None:
    with administrator(database) as connection:
        for pid in pids:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def last_query_after_checkout(database: Database) -> str | None:
    """The last query of a connection that was used, returned, and taken again."""
    with database.reading() as session:
        pid = session.scalar(BACKEND)
        session.execute(text("SELECT 42"))
    with database.reading(), administrator(database) as connection:
        query: str | None = connection.scalar(
            text("SELECT query FROM pg_stat_activity WHERE pid = :pid"), {"pid": pid}
        )
    return query


def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = Database("postgresql://nobody@127.0.0.1:9/none")

    with pytest.raises(DatabaseUnavailable, match="PostgreSQL does not answer"):
        database.check()


def test_a_dropped_connection_is_replaced_unnoticed(database: Database) -> None:
    with database.reading() as session:
        pid = session.scalar(BACKEND)
    end_backends(database, [pid])

    database.check()


@pytest.mark.parametrize("open_block", [Database.reading, Database.transaction, Database.repeatable_read])
def test_when_all_connections_of_the_pool_were_ended_each_kind_of_transaction_gets_a_new_one(
    database: Database, open_block: Callable[[Database], AbstractContextManager[Session]]
) -> None:
    with database.reading() as one, database.reading() as other:
        pids = [session.scalar(BACKEND) for session in (one, other)]
    end_backends(database, pids)

    with open_block(database) as session:
        assert session.scalar(BACKEND) not in pids


def test_a_connection_that_was_just_used_is_used_again_without_a_query_of_its_own(database: Database) -> None:
    assert last_query_after_checkout(database) == "SELECT 42"


def test_a_connection_that_was_idle_is_asked_before_it_is_used_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liveness, "IDLE_SECONDS", 0.0)

    assert last_query_after_checkout(database) != "SELECT 42"


def test_a_read_leaves_nothing_to_the_transaction_that_gets_its_connection_next(database: Database) -> None:
    with database.reading() as session:
        pid = session.scalar(BACKEND)
        session.execute(text("CREATE TEMPORARY TABLE seen (number int)"))
    with pytest.raises(RuntimeError), database.transaction() as session:
        assert session.scalar(BACKEND) == pid
        session.execute(text("INSERT INTO seen VALUES (1)"))
        raise RuntimeError
    with database.repeatable_read() as session:
        assert session.scalar(BACKEND) == pid
        level = session.scalar(text("SHOW transaction_isolation"))
        rows = session.scalar(text("SELECT count(*) FROM seen"))
    with database.transaction() as session:
        next_level = session.scalar(text("SHOW transaction_isolation"))
        session.execute(text("DROP TABLE seen"))

    assert (level, rows, next_level) == ("repeatable read", 0, "read committed")


def test_an_empty_database_asks_for_its_migration(postgresql: str) -> None:
    with Database(postgresql).engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS empty"))
        connection.execute(text("CREATE DATABASE empty"))
    empty = Database(postgresql.replace("/postgres?", "/empty?"))

    with pytest.raises(DatabaseNotMigrated, match="gemel migrate"):
        empty.check()
    with pytest.raises(DatabaseNotMigrated, match="gemel migrate"):
        schema.check(empty)


def test_when_all_connections_are_taken_the_next_is_told_so(migrated: str) -> None:
    database = Database(migrated, pool_size=1, timeouts=replace(JOB_TIMEOUTS, connection_seconds=0.01))

    with database.reading() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(Busy):
            database.check()


@pytest.mark.parametrize("url", ["sqlite:///x.db", "mysql://a/b", "no url at all"])
def test_only_postgresql_is_taken(url: str) -> None:
    with pytest.raises(Misconfigured):
        driver_url(url)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_the_usual_schemes_are_understood(scheme: str) -> None:
    assert driver_url(f"{scheme}://u:p%40ss@h/d") == "postgresql+psycopg2://u:p%40ss@h/d"
