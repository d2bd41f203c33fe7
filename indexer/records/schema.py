"""Brings a database to the schema of this version. The migrations themselves are in `migrations/`."""

from functools import lru_cache
from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from indexer.errors import DatabaseNotMigrated
from indexer.records.session import Database

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_ONE_AT_A_TIME = 0x67656D656C  # "gemel": two servers that start together migrate one after the other


def migrate(database: Database, revision: str = "head") -> str:
    """The revision that the database has afterwards."""
    with database.engine.connect() as connection, connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
        config = _config()
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)
        return _current(connection) or "base"


def check(database: Database) -> None:
    """Raises DatabaseNotMigrated, DatabaseUnavailable."""
    with database.reading() as session:
        current = _current(session.connection())
    wanted = _head()
    if current != wanted:
        raise DatabaseNotMigrated(
            f"the database is at revision {current or 'none'}, this version wants {wanted}:"
            " run `gemel migrate`"
        )


@lru_cache
def _head() -> str | None:
    """The newest revision that this version has; reading the scripts takes a while."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config
