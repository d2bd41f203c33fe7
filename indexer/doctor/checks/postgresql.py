"""PostgreSQL: whether it answers, its schema, its durability settings, free connections, and its clock."""

from collections.abc import Iterator
from datetime import UTC, datetime

from indexer.doctor.finding import Finding, ok
from indexer.errors import DatabaseNotMigrated, DatabaseTooNew
from indexer.records.database import condition, schema
from indexer.records.database.condition import Condition
from indexer.records.database.session import Database
from indexer.records.enrolled.words import unsearched

DATABASE, SCHEMA, CLOCK = "postgresql", "schema", "clock"
STATEMENT_SECONDS = 3.0
OLDEST_MAJOR = 14
CONNECTIONS_SHARE = 0.85
LONG_TRANSACTION_SECONDS = 1_800
SKEW_SECONDS, LARGE_SKEW_SECONDS = 2.0, 60.0


def check(database: Database) -> Iterator[Finding]:
    """Raises DatabaseUnavailable: then nothing else can be checked."""
    before = datetime.now(UTC)
    with database.transaction() as session:
        condition.limit_statements(session, STATEMENT_SECONDS)
        found = condition.read(session)
    after = datetime.now(UTC)
    findings = [*_safety(found), *_load(found)]
    yield from findings
    if not findings:
        size = found.size_bytes / 1e6
        yield ok(
            DATABASE,
            f"PostgreSQL {found.version} answers: {size:,.0f} MB of data, {found.connections} of"
            f" {found.allowed_connections} connections in use.",
        )
    # It answered some time between: within that, no difference can be seen.
    skew = max((before - found.now).total_seconds(), (found.now - after).total_seconds(), 0.0)
    yield from _clock(skew)


def check_schema(database: Database) -> Iterator[Finding]:
    try:
        schema.check(database)
    except (DatabaseNotMigrated, DatabaseTooNew) as error:
        text = f"The database has the schema of another version: {error.message}."
        advice = "When every server process has the new version, run `gemel migrate`."
        if schema.revision(database) is None:
            text, advice = "The database has no schema yet.", "Run `gemel migrate` or `gemel serve`."
        yield Finding(check=SCHEMA, level="problem", code=error.code, text=text, advice=advice)
        return
    if unsearched.exist(database):
        yield Finding(
            check=SCHEMA,
            level="warning",
            code="people_not_in_search",
            text="The search of people by `q` does not find everybody: processes of an older version have"
            " enrolled some of them.",
            advice="When every server process has the new version, run `gemel migrate`.",
        )
    else:
        yield ok(SCHEMA, "The database has the schema of this version.")


def _safety(found: Condition) -> Iterator[Finding]:
    if found.is_standby:
        yield Finding(
            check=DATABASE,
            level="info",
            code="database_read_only",
            text="PostgreSQL is a standby server: it allows searches, but no changes.",
        )
    for name in found.unsafe:
        yield Finding(
            check=DATABASE,
            level="warning",
            code="database_unsafe",
            text=f"PostgreSQL has {name} = off: a crash may lose or damage enrolled data.",
            advice=f"Set {name} = on in postgresql.conf and reload it.",
        )
    if not found.autovacuum:
        yield Finding(
            check=DATABASE,
            level="warning",
            code="database_autovacuum_off",
            text="PostgreSQL's autovacuum is off: tables grow and queries become slow.",
            advice="Set autovacuum = on in postgresql.conf and reload it.",
        )
    if found.major < OLDEST_MAJOR:
        yield Finding(
            check=DATABASE,
            level="warning",
            code="database_old",
            text=f"PostgreSQL {found.version} no longer gets security fixes.",
            advice=f"Upgrade to PostgreSQL {OLDEST_MAJOR} or newer; Gemel is tested with 18.",
        )


def _load(found: Condition) -> Iterator[Finding]:
    if found.connections > CONNECTIONS_SHARE * found.allowed_connections:
        yield Finding(
            check=DATABASE,
            level="warning",
            code="database_connections",
            text=f"{found.connections} of {found.allowed_connections} connections to PostgreSQL are in use.",
            advice="Raise max_connections, or lower GEMEL_WORKERS or GEMEL_THREADS.",
        )
    if found.oldest_transaction_seconds > LONG_TRANSACTION_SECONDS:
        minutes = found.oldest_transaction_seconds / 60
        yield Finding(
            check=DATABASE,
            level="warning",
            code="database_long_transaction",
            text=f"A transaction has been open for {minutes:,.0f} minutes: PostgreSQL cannot remove older"
            " dead rows.",
            advice="Find it with `SELECT * FROM pg_stat_activity ORDER BY xact_start`, and end it if nobody"
            " needs it.",
        )


def _clock(skew_seconds: float) -> Iterator[Finding]:
    if skew_seconds < SKEW_SECONDS:
        yield ok(CLOCK, "The clocks of this machine and of PostgreSQL agree.")
        return
    yield Finding(
        check=CLOCK,
        level="problem" if skew_seconds > LARGE_SKEW_SECONDS else "warning",
        code="clock_skew",
        text=f"The clocks of this machine and of PostgreSQL differ by {skew_seconds:,.0f} s.",
        advice="Synchronise both clocks (NTP): the expiry of keys and the times of events depend on them.",
    )
