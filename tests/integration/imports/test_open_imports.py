"""The imports that run, of every gallery that the key may see."""

import pytest
from fastapi.testclient import TestClient

from indexer.access.keys import COMMAND_LINE, NewKey, create
from indexer.access.roles import Role
from indexer.imports import status
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.imports import files, jobs, states
from indexer.records.imports.files import NewFile
from indexer.records.tables import Gallery, ImportJob
from indexer.settings import Settings
from service.app import create_app


@pytest.fixture
def running(database: Database) -> list[ImportJob]:
    """One in each of three galleries, the oldest first, and one that is cancelled."""
    with database.transaction() as session:
        made = [galleries.create(session, name) for name in ("staff", "guests", "north-gate")]
        found = [jobs.create(session, gallery)[0] for gallery in made]
        ended = jobs.create(session, made[0])[0]
    with database.transaction() as session:
        states.cancel(session, made[0], ended.id)
    return found


def test_open_imports_of_all_galleries_are_listed_in_pages_the_newest_first(
    running: list[ImportJob], client: TestClient
) -> None:
    first = client.get("/v1/imports", params={"limit": 2}).json()
    second = client.get("/v1/imports", params={"limit": 2, "cursor": first["next_cursor"]}).json()

    listed = first["imports"] + second["imports"]
    assert [one["gallery"] for one in listed] == ["north-gate", "guests", "staff"]
    assert [one["id"] for one in listed] == [str(job.id) for job in reversed(running)]
    assert second["next_cursor"] is None


def test_workers_claim_from_no_import_that_only_waits_for_files(
    running: list[ImportJob], database: Database
) -> None:
    """Thousands that somebody created and forgot would else cost every worker statements all the time."""
    file = NewFile(name="1.jpg", sha256=bytes(32), size=1, data=b"x", external_id="1")
    with database.transaction() as session:
        first, second, _ = (session.get_one(ImportJob, job.id) for job in running)
        files.add(session, first, [file])
        states.finish(session, session.get_one(Gallery, second.gallery_id), second.id)
        claimable, still_open = jobs.open_ids(session), jobs.count_open(session)

    assert claimable == [running[0].id]
    assert still_open == 2  # one had no files, and has ended


def test_a_key_sees_the_imports_of_its_galleries(
    running: list[ImportJob], settings: Settings, database: Database
) -> None:
    new = NewKey(name="gate", roles=[Role.READ], galleries=["north-*"])
    key = create(database, new, by=COMMAND_LINE).text

    with TestClient(create_app(settings)) as client:
        listed = client.get("/v1/imports", headers={"X-API-Key": key}).json()["imports"]

    assert [one["gallery"] for one in listed] == ["north-gate"]
    assert len(status.open_ones(database, patterns=None, at_most=10)) == 3
