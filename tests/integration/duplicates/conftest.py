"""A gallery that checks each enrolment, and real photographs of a few people."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.support.pictures import shared

STAFF = "/v1/galleries/staff"

Enrol = Callable[..., Response]


def photographs(person: str, count: int) -> list[bytes]:
    """Of a person of LFW, the first `count`."""
    folder = shared("data/lfw") / person
    return [path.read_bytes() for path in sorted(folder.glob("*.jpg"))[:count]]


@pytest.fixture
def gallery(client: TestClient) -> Callable[..., None]:
    def create(duplicate_check: str, **policy: Any) -> None:
        body = {"name": "staff", "duplicate_check": duplicate_check, **policy}
        client.post("/v1/galleries", json=body).raise_for_status()

    return create


@pytest.fixture
def enrol(client: TestClient) -> Enrol:
    def post(
        images: Sequence[bytes], path: str = "/identities", method: str = "POST", **fields: Any
    ) -> Response:
        files = [("images", ("a.jpg", data, "image/jpeg")) for data in images]
        return client.request(method, STAFF + path, files=files, data=fields)

    return post
