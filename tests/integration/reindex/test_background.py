"""A serving process works on re-index jobs itself, where the settings say so."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.home import wait_for
from tests.support.reindexing import NEW, enrol, who


@pytest.fixture
def client(settings: Settings, database: Database) -> Iterator[TestClient]:
    configured = settings.model_copy(update={"reindex_worker": "on"})
    with TestClient(create_app(configured), raise_server_exceptions=False) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        yield client


def test_a_job_is_done_without_another_process(client: TestClient, hopper: bytes) -> None:
    enrol(client, "Grace", hopper)
    job = client.post(
        "/v1/reindexes", json={"gallery": "staff", "to": "dlib-resnet", "gates": ["skipped<=0"]}
    ).json()
    path = f"/v1/reindexes/{job['id']}"

    wait_for(lambda: client.get(path).json()["state"] == "ready")
    client.post(f"{path}/activate").raise_for_status()
    assert who(client, hopper) == ("Grace", NEW.fingerprint)
    client.post(f"{path}/cleanup").raise_for_status()
    wait_for(lambda: client.get(path).json()["state"] == "done")


@pytest.mark.parametrize(
    ("chosen", "database_url", "works"),
    [
        ("auto", None, True),
        ("auto", "postgresql://gemel@db/gemel", False),
        ("on", "postgresql://gemel@db/gemel", True),
        ("off", None, False),
    ],
)
def test_by_default_only_the_server_of_an_embedded_postgresql_works_on_jobs(
    chosen: str, database_url: str | None, works: bool
) -> None:
    assert Settings(reindex_worker=chosen, database_url=database_url).works_on_reindexes is works
