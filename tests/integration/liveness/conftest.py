"""A service with the weights of liveness."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.weights import attributes_mirror


@pytest.fixture
def client(database: Database, settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    mirror = str(attributes_mirror(tmp_path))
    chosen = settings.model_copy(update={"model_mirror": mirror})
    with TestClient(create_app(chosen), raise_server_exceptions=False) as client:
        yield client
