"""Where a request may carry its key, and how often."""

import httpx2
import pytest
from fastapi.testclient import TestClient

from tests.integration.access.conftest import BOOTSTRAP
from tests.support.asking import assert_problem

VALID = ("X-API-Key", BOOTSTRAP)
BEARER = ("Authorization", f"Bearer {BOOTSTRAP}")


@pytest.mark.parametrize(
    "fields",
    [
        [VALID, ("X-API-Key", "wrong")],
        [("X-API-Key", "wrong"), VALID],
        [VALID, ("x-api-key", "")],
        [VALID, VALID],
        [BEARER, ("Authorization", "Bearer wrong")],
        [("Authorization", "Basic eDp5"), BEARER],
    ],
)
def test_a_field_with_a_key_may_come_once_only(anonymous: TestClient, fields: list[tuple[str, str]]) -> None:
    """A proxy might check one of two, and this service the other one."""
    answer = anonymous.get("/v1/galleries", headers=httpx2.Headers(fields))

    assert_problem(answer, 401, "not_authenticated")


@pytest.mark.parametrize("other", ["Basic eDp5", "Bearer of-the-proxy", ""])
def test_x_api_key_decides_whatever_authorization_says(anonymous: TestClient, other: str) -> None:
    """A proxy may have an `Authorization` of its own."""
    fields = {"X-API-Key": BOOTSTRAP, "Authorization": other}
    assert anonymous.get("/v1/galleries", headers=fields).status_code == 200

    fields = {"X-API-Key": "wrong", "Authorization": f"Bearer {BOOTSTRAP}"}
    assert_problem(anonymous.get("/v1/galleries", headers=fields), 401, "not_authenticated")


@pytest.mark.parametrize(
    "authorization",
    [
        "Token {key}",
        "{key}",
        "Bearer:{key}",
        "Bearer, {key}",
        "Bearer Bearer {key}",
        "Bearer",
        "Bearer {key} x",
    ],
)
def test_only_the_scheme_bearer_carries_a_key(anonymous: TestClient, authorization: str) -> None:
    answer = anonymous.get("/v1/galleries", headers={"Authorization": authorization.format(key=BOOTSTRAP)})

    assert_problem(answer, 401, "not_authenticated")


@pytest.mark.parametrize("name", ["api_key", "key", "X-API-Key", "access_token", "Authorization"])
def test_no_query_and_no_cookie_carries_a_key(anonymous: TestClient, name: str) -> None:
    """They end in the logs of others."""
    assert_problem(anonymous.get("/v1/galleries", params={name: BOOTSTRAP}), 401, "not_authenticated")
    cookie = {"Cookie": f"{name}={BOOTSTRAP.replace(' ', '+')}"}
    assert_problem(anonymous.get("/v1/galleries", headers=cookie), 401, "not_authenticated")


@pytest.mark.parametrize(
    "name",
    ["GEMEL_API_KEY", " gemel_api_key", "command line: root@db", "server", "Unknown", "several callers"],
)
def test_a_key_cannot_be_named_like_a_caller_that_is_no_key(admin: TestClient, name: str) -> None:
    """Its holder would lay what he does to another's charge in the audit record."""
    answer = admin.post("/v1/keys", json={"name": name, "roles": ["read"]})

    assert_problem(answer, 422, "invalid_request")


def test_a_key_may_have_such_a_word_in_its_name(admin: TestClient) -> None:
    answer = admin.post("/v1/keys", json={"name": "server room", "roles": ["read"]})

    assert answer.status_code == 201
