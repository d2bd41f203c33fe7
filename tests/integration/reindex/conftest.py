"""A service with the gallery `staff`, and an operator who re-indexes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline_factory
from service.app import create_app
from tests.support.reindexing import Operator


@pytest.fixture
def operator(settings: Settings, database: Database) -> Iterator[Operator]:
    with open_pipeline_factory(settings) as factory:
        yield Operator(settings, database, factory)


@pytest.fixture
def client(settings: Settings, database: Database, tmp_path: Path) -> Iterator[TestClient]:
    """Requests may name models in a folder of the test."""
    configured = settings.model_copy(update={"models_dir": tmp_path})
    with TestClient(create_app(configured), raise_server_exceptions=False) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        yield client
