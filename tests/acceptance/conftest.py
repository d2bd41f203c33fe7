"""One service for all tests of a module: they keep apart by the names of their galleries."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from indexer.settings import Settings
from service.app import create_app


@pytest.fixture(scope="module")
def service_settings(migrated: str) -> Settings:
    return Settings(database_url=migrated, max_upload_mb=8, threads=4)


@pytest.fixture(scope="module")
def api(service_settings: Settings) -> Iterator[TestClient]:
    """The whole service with real PostgreSQL and the real network."""
    with TestClient(create_app(service_settings), raise_server_exceptions=False) as api:
        yield api


@pytest.fixture
def gallery(api: TestClient) -> Iterator[str]:
    """The name of a gallery, empty, that goes with the test."""
    name = f"test-{uuid4().hex}"
    assert api.post("/v1/galleries", json={"name": name}).status_code == 201
    yield name
    api.delete(f"/v1/galleries/{name}")
