"""A server whose role may not change or delete events of the audit record."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.audit.verification import verify
from indexer.errors import DatabaseAccessDenied, InvalidRequest
from indexer.records import embedded
from indexer.records.audit import partitions
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.home import Home
from tests.support.pictures import jpeg, pixels

ROLE = "gemel server"


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path) -> Iterator[Database]:
    with Home(tmp_path_factory.mktemp("home"), cluster=migrated_cluster) as home:
        database = Database(embedded.start(home.folder))
        with database.transaction() as session:
            session.execute(text(f'CREATE ROLE "{ROLE}" LOGIN'))
        schema.grant(database, ROLE)
        yield database
        database.close()
        embedded.stop(home.folder)


@pytest.fixture(scope="module")
def server(owner: Database) -> Iterator[Database]:
    """As the role sees it."""
    url = owner.engine.url.render_as_string(hide_password=False)
    database = Database(f"{url}&options=-crole%3D{ROLE.replace(' ', '%5C%20')}")
    yield database
    database.close()


def test_a_server_enrols_and_identifies_and_leaves_events(
    owner: Database, server: Database, hopper: bytes, tmp_path: Path
) -> None:
    url = server.engine.url.render_as_string(hide_password=False)
    picture = jpeg(pixels(hopper))
    with TestClient(create_app(Settings(database_url=url, home=tmp_path))) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        files = {"images": ("1.jpg", picture)}
        person = client.post("/v1/galleries/staff/identities", files=files).raise_for_status().json()
        image = {"image": ("1.jpg", picture)}
        client.post("/v1/galleries/staff/identify", files=image).raise_for_status()
        client.delete(f"/v1/galleries/staff/identities/{person['id']}").raise_for_status()
        listed = client.get("/v1/audit").json()["events"]

    assert [event["action"] for event in listed] == [
        "identity.deleted",
        "search.identified",
        "identity.enrolled",
        "gallery.created",
    ]
    assert verify(server).intact
    with owner.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM audit_event_default")) == 0


@pytest.mark.parametrize("table", ["audit_event", "audit_event_default", "this month"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET caller = 'nobody'",
        "DELETE FROM {table}",
        "TRUNCATE {table}",
        "DROP TABLE {table}",
        "ALTER TABLE {table} DISABLE TRIGGER ALL",
    ],
)
def test_the_server_cannot_change_or_delete_an_event(server: Database, table: str, statement: str) -> None:
    if table == "this month":
        with server.reading() as session:
            now = session.execute(text("SELECT now()")).scalar_one()
        table = partitions.name_of(now)

    with pytest.raises(DatabaseAccessDenied), server.transaction() as session:
        session.execute(text(statement.format(table=table)))


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM audit_head", "INSERT INTO audit_head VALUES (1, 1, '', now())", "DROP TABLE audit_head"],
)
def test_the_server_cannot_remove_the_head(server: Database, statement: str) -> None:
    with pytest.raises(DatabaseAccessDenied), server.transaction() as session:
        session.execute(text(statement))


def test_the_server_makes_no_partitions(server: Database) -> None:
    with server.transaction() as session:
        assert partitions.make_ahead(session.connection()) == []


def test_a_role_that_does_not_exist_is_named(owner: Database) -> None:
    with pytest.raises(InvalidRequest, match="nobody"):
        schema.grant(owner, "nobody")
