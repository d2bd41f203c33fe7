"""The API key: what it guards, what counts as one."""

import base64
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from indexer.settings import Settings
from service.app import create_app
from tests.support.asking import assert_problem

KEY = "correct horse battery"
NOBODY = "019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11"


@pytest.fixture(scope="module")
def guarded(migrated: str) -> Iterator[TestClient]:
    """The service with a key, asked by somebody who has not sent it yet."""
    settings = Settings(database_url=migrated, api_key=SecretStr(KEY), max_upload_mb=8, threads=4)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def routes(client: TestClient) -> list[tuple[str, str]]:
    """Method and path of everything in the OpenAPI document, with ids filled in."""
    document = client.get("/openapi.json", headers={"X-API-Key": KEY}).json()
    filled = {"gallery": "nothere", "external_id": "x", "face": "0"}
    return [
        (method.upper(), re.sub(r"\{(\w+)\}", lambda found: filled.get(found[1], NOBODY), path))
        for path, item in document["paths"].items()
        for method in item
    ]


def basic(password: str, user: str = "anybody") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_without_the_key_everything_but_health_is_401(guarded: TestClient) -> None:
    """Every route that there is, so that a new one cannot be forgotten."""
    every = routes(guarded)
    assert len(every) >= 21
    for method, path in [*every, ("GET", "/openapi.json"), ("GET", "/docs")]:
        answer = guarded.request(method, path, follow_redirects=False)
        if path in ("/healthz", "/readyz"):
            assert answer.status_code == 200
        else:
            assert_problem(answer, 401, "not_authenticated")
            assert "WWW-Authenticate" in answer.headers


@pytest.mark.parametrize(
    "key",
    ["", " ", "wrong", KEY[:-1], KEY + "x", KEY.upper(), "é" * 21, "ключ", "\udcff", "x" * 10_000],
    ids=lambda key: ascii(key)[:20],
)
def test_a_wrong_key_is_401(guarded: TestClient, key: str) -> None:
    """Whatever bytes it is made of."""
    header = {b"X-API-Key": key.encode("utf-8", "surrogateescape")}
    assert_problem(guarded.get("/v1/galleries", headers=header), 401, "not_authenticated")


def test_the_right_key_opens(guarded: TestClient) -> None:
    key = {"X-API-Key": KEY}
    for path in ("/v1/galleries", "/v1/models", "/metrics", "/openapi.json", "/docs"):
        assert guarded.get(path, headers=key).status_code == 200
    assert_problem(guarded.get("/v1/galleries/nothere", headers=key), 404, "gallery_not_found")


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b'{"name": "a"}', b'{"name": 5}', b"\xff"])
def test_without_the_key_not_even_a_wrong_body_is_judged(guarded: TestClient, body: bytes) -> None:
    """401 comes first: who may not ask is not told what they asked wrongly."""
    json = {"content-type": "application/json"}
    for method, path in (
        ("POST", "/v1/galleries"),
        ("PATCH", f"/v1/galleries/nothere/identities/{NOBODY}"),
        ("POST", "/v1/galleries/nothere/identities"),
        ("POST", "/v1/detect"),
    ):
        answer = guarded.request(method, path, content=body, headers=json)
        assert_problem(answer, 401, "not_authenticated")


def test_without_the_key_it_is_not_told_which_paths_are_malformed(guarded: TestClient) -> None:
    for path in ("/v1/galleries/a/identities/no-uuid", "/v1/galleries/a/identities?limit=0"):
        assert_problem(guarded.get(path), 401, "not_authenticated")


def test_a_browser_sends_the_key_as_a_password_to_the_docs(guarded: TestClient) -> None:
    """The user's name does not matter."""
    for path in ("/docs", "/openapi.json"):
        assert guarded.get(path, headers=basic(KEY)).status_code == 200
        assert guarded.get(path, headers=basic(KEY, user="")).status_code == 200
        assert_problem(guarded.get(path, headers=basic("wrong")), 401, "not_authenticated")
        assert_problem(guarded.get(path, headers=basic("ключ")), 401, "not_authenticated")


def test_a_password_opens_the_docs_and_the_metrics_only(guarded: TestClient) -> None:
    """Browsers send passwords along with other sites' requests."""
    for path in ("/metrics", "/docs"):
        assert guarded.get(path, headers=basic(KEY)).status_code == 200
        assert guarded.head(path, headers=basic(KEY)).status_code == 200
        assert_problem(guarded.post(path, headers=basic(KEY)), 401, "not_authenticated")
    for path in ("/v1/galleries", "/v1/models", "/metricsx"):
        assert_problem(guarded.get(path, headers=basic(KEY)), 401, "not_authenticated")


@pytest.mark.parametrize(
    "authorization",
    [
        b"",
        b"Basic",
        b"Basic ",
        b"Basic !!!!",
        b"Basic =",
        b"Basic a",
        b"Basic /////w==",
        b"Bearer abc",
        b"\xff",
        b"Basic " + b"A" * 10_000,
        b"Basic \xff\xfe",
        b"Basic \xc3\xa9",
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_broken_password_is_401(guarded: TestClient, authorization: bytes) -> None:
    answer = guarded.get("/docs", headers={b"Authorization": authorization})
    assert_problem(answer, 401, "not_authenticated")


def test_the_key_opens_everything_as_a_bearer_token(guarded: TestClient) -> None:
    for path in ("/v1/galleries", "/v1/models", "/metrics", "/openapi.json", "/docs"):
        for scheme in ("Bearer", "bearer", "BEARER "):
            assert guarded.get(path, headers={"Authorization": f"{scheme} {KEY}"}).status_code == 200
        for wrong in ("Bearer", "Bearer wrong", f"Bearer{KEY}", KEY, f"Token {KEY}"):
            refused = guarded.get(path, headers={"Authorization": wrong})
            assert_problem(refused, 401, "not_authenticated")
            assert "Bearer" in refused.headers["WWW-Authenticate"]


def test_the_key_is_in_no_answer(guarded: TestClient) -> None:
    for path in ("/openapi.json", "/docs", "/metrics", "/v1/models"):
        assert KEY not in guarded.get(path, headers={"X-API-Key": KEY}).raise_for_status().text
