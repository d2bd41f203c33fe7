"""A gallery that remembers unknown visitors, and real photographs of a few people."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.asking import identify
from tests.support.pictures import shared

DOOR = "/v1/galleries/door"

See = Callable[..., dict[str, Any]]


def photographs(person: str, count: int) -> list[bytes]:
    """Of a person of LFW, the first `count`."""
    folder = shared("data/lfw") / person
    return [path.read_bytes() for path in sorted(folder.glob("*.jpg"))[:count]]


@pytest.fixture
def door(client: TestClient) -> str:
    client.post("/v1/galleries", json={"name": "door", "remember_unknown": True}).raise_for_status()
    return DOOR


@pytest.fixture
def see(client: TestClient) -> See:
    """Identifies the largest face of a photograph; returns that face of the answer."""

    def send(photograph: bytes, **fields: Any) -> dict[str, Any]:
        answer = identify(client, "door", photograph, **fields)
        return dict(answer["faces"][0]) | {"audit_id": answer["audit_id"]}

    return send


def visitors(client: TestClient) -> list[dict[str, Any]]:
    answer = client.get(f"{DOOR}/visitors")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["visitors"])
