"""A service that requires keys."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import text

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app

BOOTSTRAP = "correct horse battery staple"


@pytest.fixture(scope="module")
def store(migrated: str) -> Iterator[Database]:
    """The database, whose keys and galleries end with the module."""
    database = Database(migrated)
    _empty(database)
    yield database
    _empty(database)
    database.close()


@pytest.fixture(scope="module")
def admin(store: Database, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The holder of the bootstrap key."""
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=migrated,
        api_key=SecretStr(BOOTSTRAP),
        max_upload_mb=8,
        threads=4,
    )
    app = create_app(settings)
    with TestClient(app, raise_server_exceptions=False, headers={"X-API-Key": BOOTSTRAP}) as client:
        yield client


@pytest.fixture
def anonymous(admin: TestClient) -> TestClient:
    """The same service, for somebody who has sent no key yet."""
    return TestClient(admin.app, raise_server_exceptions=False)


def _empty(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("TRUNCATE gallery, identity, face, embedding, change, model CASCADE"))
        session.execute(text("TRUNCATE api_key, api_key_version, sign_in"))
