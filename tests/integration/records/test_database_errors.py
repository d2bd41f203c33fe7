"""What PostgreSQL cannot do at the moment, as a typed error with what to do about it."""

import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.errors import (
    Busy,
    DatabaseAccessDenied,
    DatabaseFull,
    DatabaseNotMigrated,
    DatabaseReadOnly,
    DatabaseTooNew,
    GemelError,
    Misconfigured,
)
from indexer.records import embedded
from indexer.records.database import schema
from indexer.records.database.session import Database, Timeouts
from tests.support.home import Home, wait_for

PASSWORD = "p@ss/w%41rd:#? ü"
ENCODED = "p%40ss%2Fw%2541rd%3A%23%3F%20%C3%BC"
QUICK = Timeouts(lock_seconds=0.2, statement_seconds=0.2, idle_seconds=0.2)


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("40P01", Busy),
        ("40001", Busy),
        ("55P03", Busy),
        ("57014", Busy),
        ("53200", Busy),
        ("53300", Busy),
        ("53400", Busy),
        ("53100", DatabaseFull),
        ("25006", DatabaseReadOnly),
        ("42501", DatabaseAccessDenied),
        ("28P01", DatabaseAccessDenied),
        ("3D000", DatabaseAccessDenied),
        ("42P01", DatabaseNotMigrated),
    ],
)
def test_each_state_that_postgresql_reports_is_an_error_of_its_own(
    database: Database, state: str, error: type[GemelError]
) -> None:
    with pytest.raises(error) as raised, database.transaction() as session:
        session.execute(
            text(f"DO $$ BEGIN RAISE EXCEPTION 'the words of it' USING ERRCODE = '{state}'; END $$")
        )

    assert "the words of it" in raised.value.message
    assert "does not answer" not in raised.value.message
    database.check()


def test_of_two_transactions_that_wait_for_each_other_one_is_told_to_try_again(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("CREATE TABLE IF NOT EXISTS two AS SELECT generate_series(1, 2) AS one"))
    meet = threading.Barrier(2)
    failures: list[GemelError] = []

    def update(first: int, second: int) -> None:
        try:
            with database.transaction() as session:
                session.execute(text("UPDATE two SET one = one WHERE one = :one"), {"one": first})
                meet.wait()
                session.execute(text("UPDATE two SET one = one WHERE one = :one"), {"one": second})
        except GemelError as error:
            failures.append(error)

    threads = [threading.Thread(target=update, args=order) for order in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.transaction() as session:
        session.execute(text("DROP TABLE two"))

    assert [type(error) for error in failures] == [Busy]


def test_a_statement_is_cancelled_after_its_timeout_unless_the_transaction_is_long(migrated: str) -> None:
    database = Database(migrated, timeouts=QUICK)

    with pytest.raises(Busy, match="longer than its timeout"), database.reading() as session:
        session.execute(text("SELECT pg_sleep(60)"))
    with database.transaction(long=True) as session:
        session.execute(text("SELECT pg_sleep(0.5)"))
    with database.repeatable_read() as session:
        session.execute(text("SELECT pg_sleep(0.5)"))
    with pytest.raises(Busy), database.transaction() as session:
        session.execute(text("SELECT pg_sleep(60)"))
    database.close()


def test_an_idle_transaction_loses_its_locks(database: Database, migrated: str) -> None:
    """As when its process is frozen."""
    frozen = Database(migrated, timeouts=QUICK)
    with pytest.raises(GemelError), frozen.transaction() as session:
        session.execute(text("LOCK TABLE gallery"))
        database.check()
        session.execute(text("SELECT 1"))
    frozen.close()


@pytest.mark.parametrize("held", ["LOCK TABLE gallery", "SELECT 1 FROM gallery FOR UPDATE"])
def test_a_lock_of_another_client_gives_a_request_503_soon(
    client: TestClient, migrated: str, hopper: bytes, held: str
) -> None:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    somebody = psycopg2.connect(migrated)
    try:
        with somebody.cursor() as cursor:
            cursor.execute(held)
        locked = client.post("/v1/galleries/staff/identities", files={"images": hopper})
    finally:
        somebody.close()
    wait_for(lambda: client.get("/readyz").status_code == 200)
    after = client.post("/v1/galleries/staff/identities", files={"images": hopper})

    assert (locked.status_code, locked.json()["code"]) == (503, "busy")
    assert int(locked.headers["Retry-After"]) >= 1
    assert after.status_code == 201


def test_a_read_only_database_gives_its_own_error(database: Database, migrated: str) -> None:
    with database.transaction() as session:
        session.execute(text("ALTER DATABASE postgres SET default_transaction_read_only = on"))
    reading = Database(migrated)
    try:
        with pytest.raises(DatabaseReadOnly, match="name the primary"), reading.transaction() as session:
            session.execute(text("CREATE TABLE t ()"))
        reading.check()
    finally:
        with database.reading() as session:
            session.execute(text("SET default_transaction_read_only = off"))
            session.execute(text("ALTER DATABASE postgres RESET default_transaction_read_only"))
        reading.close()
        database.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a small disk")
def test_a_full_disk_has_its_own_error_and_reading_goes_on(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150m", "tmpfs", tmp_path], check=True)
    try:
        database = Database(embedded.start(tmp_path / "home"))
        with database.transaction() as session:
            session.execute(text("CREATE UNLOGGED TABLE large (filling text)"))
        with pytest.raises(DatabaseFull, match="free some space"), database.transaction() as session:
            session.execute(
                text("INSERT INTO large SELECT repeat('x', 2000) FROM generate_series(1, 100000)")
            )
        with database.transaction() as session:
            assert session.scalar(text("SELECT count(*) FROM large")) == 0
        database.close()
    finally:
        embedded.stop(tmp_path / "home")
        subprocess.run(["umount", tmp_path], check=True)


def test_a_database_of_a_newer_version_is_rejected(database: Database) -> None:
    with database.transaction() as session:
        known = session.scalar(text("SELECT version_num FROM alembic_version"))
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        for ask in (schema.check, schema.migrate):
            with pytest.raises(DatabaseTooNew, match="9999"):
                ask(database)
    finally:
        with database.transaction() as session:
            session.execute(text("UPDATE alembic_version SET version_num = :known"), {"known": known})


def test_more_connections_than_postgresql_allows_are_rejected(database: Database) -> None:
    with pytest.raises(Misconfigured, match=r"10000 connections .* PostgreSQL allows 297"):
        database.check_connection_limit(10_000)
    database.check_connection_limit(50)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What follows the @ of a URL: a PostgreSQL with users, one of whom may not create tables."""
    folder = tmp_path_factory.mktemp("guarded")
    url = embedded.start(folder)
    administrator = psycopg2.connect(url)
    administrator.autocommit = True
    with administrator.cursor() as cursor:
        cursor.execute("CREATE ROLE gemel LOGIN PASSWORD %s", (PASSWORD,))
        cursor.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
        cursor.execute("CREATE DATABASE gemel OWNER gemel")
        cursor.execute("CREATE DATABASE few OWNER gemel CONNECTION LIMIT 5")
        hba = folder / "postgresql" / "pg_hba.conf"
        hba.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
        cursor.execute("SELECT pg_reload_conf()")
    administrator.close()
    wait_for(lambda: _rejects(url.replace("postgres@", "gemel@")))
    yield url.partition("@")[2].replace("/postgres?", "/{database}?")
    embedded.stop(folder)


def _rejects(url: str) -> bool:
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return True
    return False


@pytest.mark.parametrize("command", ["migrate", "serve", "gallery list"])
@pytest.mark.parametrize(
    ("url", "code", "advice"),
    [
        ("gemel:wrong@{server}", "database_access_denied", "GEMEL_DATABASE_PASSWORD"),
        ("gemel@{server}", "database_access_denied", "asks for a password"),
        ("nobody:x@{server}", "database_access_denied", "GEMEL_DATABASE_URL"),
        ("gemel:p@ss/w@{server}", "misconfigured", "%40"),
        ("gemel:{password}@{missing}", "database_access_denied", "createdb"),
        ("guest:guest@{server}", "database_access_denied", "GRANT USAGE, CREATE ON SCHEMA public"),
        ("gemel@no-such-host.invalid/gemel", "database_unavailable", "host does not exist"),
        ("gemel@127.0.0.1:9/gemel", "database_unavailable", "refused"),
    ],
    ids=["password", "no password", "user", "@ in it", "database", "rights", "host", "port"],
)
def test_a_wrong_database_url_is_one_sentence_with_what_to_do(
    tmp_path: Path, guarded: str, command: str, url: str, code: str, advice: str
) -> None:
    if command == "gallery list" and url.startswith("guest"):
        code, advice = "database_not_migrated", "gemel migrate"
    places = {"server": guarded.format(database="gemel"), "missing": guarded.format(database="missing")}
    arguments = [*command.split(), *(["--port", "0"] if command == "serve" else [])]

    home = Home(tmp_path)
    run = home.process if command == "serve" else home.run
    done = run(
        *arguments, status=1, GEMEL_DATABASE_URL=f"postgresql://{url.format(password=ENCODED, **places)}"
    )

    [error] = [line for line in done.stderr.replace("\n", " ").split("error: ")[1:] if line]
    assert f"({code})" in error
    assert advice in error
    assert "p@ss" not in error


def test_a_password_of_any_letters_is_taken_as_it_is(tmp_path: Path, guarded: str) -> None:
    home = Home(tmp_path)
    server = guarded.format(database="gemel")

    apart = home.run(
        "migrate", GEMEL_DATABASE_URL=f"postgresql://gemel@{server}", GEMEL_DATABASE_PASSWORD=PASSWORD
    )
    encoded = home.run("migrate", GEMEL_DATABASE_URL=f"postgresql://gemel:{ENCODED}@{server}")

    assert "revision" in apart.stdout
    assert "revision" in encoded.stdout


def test_serve_rejects_more_connections_than_postgresql_allows(tmp_path: Path, guarded: str) -> None:
    done = Home(tmp_path).process(
        *("serve", "--port", "0"),
        status=1,
        GEMEL_DATABASE_URL=f"postgresql://gemel:{ENCODED}@{guarded.format(database='few')}",
    )

    assert "PostgreSQL allows 5: lower GEMEL_WORKERS or GEMEL_THREADS" in done.stderr.replace("\n", " ")
