"""A gallery that no request of these tests may change."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from tests.support.asking import (
    counts,
    enrol,
)


@pytest.fixture(scope="module")
def staff(api: TestClient, hopper: bytes) -> str:
    """A gallery with Grace Hopper in it, which no test here may change."""
    name = f"staff-{uuid4().hex}"
    api.post("/v1/galleries", json={"name": name})
    enrol(api, name, hopper, external_id="hopper", name="Hopper")
    return name


@pytest.fixture(scope="module")
def person(api: TestClient, staff: str) -> str:
    """The path of Grace Hopper."""
    [identity] = api.get(f"/v1/galleries/{staff}/identities").json()["identities"]
    return f"/v1/galleries/{staff}/identities/{identity['id']}"


@pytest.fixture
def unchanged(api: TestClient, staff: str, person: str) -> Iterator[None]:
    """Nothing that the test sends leaves a trace: as many galleries, identities, faces and changes."""

    def state() -> Any:
        return (
            counts(api, staff),
            [gallery["name"] for gallery in api.get("/v1/galleries").json()["galleries"]],
            api.get(person).json(),
        )

    before = state()
    yield
    assert state() == before
