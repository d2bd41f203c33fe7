"""Browsers that sign in to a service, or try to."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.testclient import TestClient

from tests.support.asking import assert_problem

NAME = "gemel-session"


def browser(server: TestClient, **options: Any) -> TestClient:
    """A client of the same server with a cookie jar of its own, which sends no key."""
    return TestClient(server.app, raise_server_exceptions=False, **options)


def new_key(admin: TestClient, *roles: str, **fields: Any) -> dict[str, Any]:
    answer = admin.post("/v1/keys", json={"name": "console", "roles": list(roles), **fields})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def sign_in(client: TestClient, key: str) -> dict[str, Any]:
    """The session. The CSRF token is sent with all further requests of the client."""
    answer = client.post("/v1/session", headers={"X-API-Key": key})
    assert answer.status_code == 201, answer.text
    session = dict(answer.json())
    client.headers["X-CSRF-Token"] = session["csrf_token"]
    return session


def eventually(holds: Callable[[], bool]) -> None:
    """Within a second, or what a slow machine makes of it."""
    until = datetime.now(UTC) + timedelta(seconds=30)
    while not holds():
        assert datetime.now(UTC) < until


def is_signed_in(client: TestClient) -> bool:
    answer = client.get("/v1/session")
    if answer.status_code == 200:
        return True
    assert_problem(answer, 401, "not_authenticated")
    return False
