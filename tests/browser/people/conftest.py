"""A gallery of many people without photographs, and one of two with."""

from typing import Any

import pytest

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import identities
from tests.support.browser.client import ApiClient

MANY = 400


@pytest.fixture
def crowd(api: ApiClient, empty_database: str) -> str:
    """Person 1 to Person 400, the last one the newest."""
    name = api.create_gallery("crowd")
    database = Database(empty_database)
    with database.transaction() as session:
        gallery = galleries.get(session, name)
        for number in range(1, MANY + 1):
            metadata = {"department": "computing" if number % 4 == 0 else "sales"}
            identities.create(
                session,
                gallery.id,
                external_id=f"E-{number}",
                name=f"Person {number}",
                metadata=metadata,
            )
    database.close()
    return name


@pytest.fixture
def staff(api: ApiClient, hopper: bytes, collins: bytes) -> dict[str, dict[str, Any]]:
    """Grace Hopper and Eileen Collins, with a photograph each."""
    api.create_gallery("staff")
    return {
        "grace": api.enrol(
            "staff", "Grace Hopper", hopper, external_id="4711", metadata={"rank": "Rear admiral"}
        ),
        "eileen": api.enrol("staff", "Eileen Collins", collins),
    }
