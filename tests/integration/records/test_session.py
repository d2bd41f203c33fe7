"""Where the driver's errors become Gemel's."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from indexer.errors import Busy, DatabaseNotMigrated, DatabaseUnavailable, Misconfigured
from indexer.records.database import schema
from indexer.records.database.session import JOB_TIMEOUTS, Database, driver_url


def test_a_server_that_is_not_there_is_unavailable() -> None:
    database = Database("postgresql://nobody@127.0.0.1:9/none")

    with pytest.raises(DatabaseUnavailable, match="PostgreSQL does not answer"):
        database.check()


def test_a_dropped_connection_is_replaced_unnoticed(database: Database) -> None:
    with database.reading() as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    with Database(str(database.engine.url.render_as_string(hide_password=False))).engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})

    database.check()


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
