"""Migrates a database to the schema of this version. The migrations themselves are in `migrations/`."""

import logging
import time
from functools import lru_cache
from pathlib import Path

import alembic.command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from indexer.errors import DatabaseNotMigrated, DatabaseTooNew, InvalidRequest
from indexer.records.audit import partitions
from indexer.records.database.driver_errors import translate_errors
from indexer.records.database.session import Database
from indexer.records.enrolled.words import unsearched
from indexer.settings import Settings

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).resolve().parents[3] / "migrations"
LOG_INTERVAL_SECONDS = 10.0
_ADVISORY_LOCK = 0x67656D656C  # "gemel": two servers that start together migrate one after the other
_POLL_SECONDS = 0.1


def migrate(database: Database, revision: str = "head") -> str:
    """Migrates up to `revision`, in one transaction. Returns the revision of the database afterwards. What
    need not be there at once is written after that transaction.

    Raises DatabaseUnavailable, DatabaseTooNew, and Busy if another transaction holds a lock on a table.
    """
    with translate_errors(), database.engine.connect() as connection, connection.begin():
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        _wait_for_others(connection)
        _check_known(_current(connection))
        config = alembic_config()
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, revision)
        if revision == "head":
            partitions.make_ahead(connection)
        reached = _current(connection) or "base"
    if revision == "head":
        unsearched.complete(database)
    return reached


def grant(database: Database, role: str) -> None:
    """Gives the role of servers what they need, and no right to change or delete events of the audit record.

    The role must exist. Run it by the owner of the tables, after each migration. Raises DatabaseUnavailable,
    DatabaseAccessDenied, InvalidRequest (there is no such role).
    """
    with database.transaction() as session:
        connection = session.connection()
        if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}):
            raise InvalidRequest(f"PostgreSQL has no role {role!r}: `CREATE ROLE`", field="server_role")
        name = connection.dialect.identifier_preparer.quote_identifier(role)
        partitioned = list(connection.scalars(_AUDIT_TABLES))
        for statement in (
            f"GRANT USAGE ON SCHEMA public TO {name}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}",
            f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}",
            f"REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(partitioned)} FROM {name}",
            f"REVOKE INSERT, DELETE, TRUNCATE ON audit_head FROM {name}",
            f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON alembic_version FROM {name}",
        ):
            connection.execute(text(statement))


def revision(database: Database) -> str | None:
    """Of the database; None where it has no schema yet. Raises DatabaseUnavailable."""
    with database.reading() as session:
        return _current(session.connection())


def check(database: Database) -> None:
    """Raises DatabaseNotMigrated, DatabaseTooNew, DatabaseUnavailable."""
    current = revision(database)
    _check_known(current)
    head = _head()
    if current is None:
        raise DatabaseNotMigrated("the database has no schema yet: run `gemel migrate` or `gemel serve`")
    if current != head:
        raise DatabaseNotMigrated(
            f"the database is at revision {current}, this version needs {head}: run `gemel migrate`"
        )


def prepare(settings: Settings, database: Database) -> None:
    """Migrates the embedded database. Only checks one that GEMEL_DATABASE_URL names: others may use it.

    Raises DatabaseNotMigrated, DatabaseTooNew, DatabaseUnavailable.
    """
    if settings.database_url is None:
        migrate(database)
    else:
        check(database)


_AUDIT_TABLES = text("SELECT relid::regclass::text FROM pg_partition_tree('audit_event')")


def _wait_for_others(connection: Connection) -> None:
    log_at = time.monotonic() + LOG_INTERVAL_SECONDS
    while not connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK}):
        if time.monotonic() > log_at:
            log.warning("waiting for another process that is migrating this database")
            log_at = time.monotonic() + LOG_INTERVAL_SECONDS
        time.sleep(_POLL_SECONDS)


def _check_known(revision: str | None) -> None:
    """Raises DatabaseTooNew."""
    if revision is not None and revision not in _known():
        raise DatabaseTooNew(
            f"the database is at revision {revision}, and this version knows none beyond {_head()}: a newer"
            " version migrated it. Install that version, or restore a backup from before the migration",
            revision=revision,
        )


@lru_cache
def _head() -> str | None:
    """The newest revision of this version. Cached: reading the scripts is slow."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


@lru_cache
def _known() -> frozenset[str]:
    return frozenset(
        script.revision for script in ScriptDirectory.from_config(alembic_config()).walk_revisions()
    )


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def alembic_config() -> Config:
    """Alembic's commands take a connection from its `attributes`."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
