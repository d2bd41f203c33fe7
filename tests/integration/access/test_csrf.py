"""Requests with a session's cookie that a page of another site, or somebody on the way, has made."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.integration.access.conftest import BOOTSTRAP
from tests.support.asking import assert_problem
from tests.support.signing_in import NAME, browser, is_signed_in, new_key, sign_in

TOKEN = "X-CSRF-Token"


@pytest.fixture
def client(admin: TestClient) -> TestClient:
    """A browser that is signed in; a test says which header fields go with its cookie."""
    client = browser(admin)
    sign_in(client, BOOTSTRAP)
    return client


@pytest.fixture
def body() -> dict[str, str]:
    return {"name": f"made-{uuid4().hex}"}


@pytest.fixture
def made(admin: TestClient, body: dict[str, str]) -> Callable[[], bool]:
    """Whether the request has had an effect."""
    return lambda: admin.get(f"/v1/galleries/{body['name']}").status_code == 200


def test_the_token_of_the_session_lets_a_request_through(
    client: TestClient, body: dict[str, str], made: Callable[[], bool]
) -> None:
    assert client.post("/v1/galleries", json=body).status_code == 201
    assert made()


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_without_the_token_no_request_changes_anything(client: TestClient, method: str) -> None:
    del client.headers[TOKEN]

    assert_problem(client.request(method, "/v1/galleries", json={}), 403, "csrf_token_invalid")
    assert_problem(client.request(method, "/v1/session"), 403, "csrf_token_invalid")
    assert is_signed_in(client), "not even a sign-out"


def test_a_wrong_token_is_rejected(
    admin: TestClient, client: TestClient, body: dict[str, str], made: Callable[[], bool]
) -> None:
    right = client.headers[TOKEN]
    another = sign_in(browser(admin), BOOTSTRAP)["csrf_token"]
    cookie = client.cookies[NAME]
    for wrong in ("", "0" * 64, right[:-1], right + "0", right.upper(), another, cookie, f"{right}, {right}"):
        answer = client.post("/v1/galleries", json=body, headers={TOKEN: wrong})
        assert_problem(answer, 403, "csrf_token_invalid")
    twice = httpx2.Headers([(TOKEN, right), (TOKEN, right)])
    cookies = {"Cookie": f"{NAME}={cookie}"}
    answer = browser(admin).post(
        "/v1/galleries", json=body, headers=httpx2.Headers([*twice.multi_items(), *cookies.items()])
    )
    assert_problem(answer, 403, "csrf_token_invalid")
    assert not made()


def test_the_token_of_an_ended_session_does_not_fit_the_next_one(
    client: TestClient, body: dict[str, str]
) -> None:
    before = client.headers[TOKEN]
    sign_in(client, BOOTSTRAP)

    answer = client.post("/v1/galleries", json=body, headers={TOKEN: before})

    assert_problem(answer, 403, "csrf_token_invalid")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_form_of_another_site_changes_nothing(
    client: TestClient, body: dict[str, str], made: Callable[[], bool], content_type: str
) -> None:
    """The three content types that a page may send anywhere without asking."""
    del client.headers[TOKEN]
    content = f'{{"name": "{body["name"]}", "x": "="}}'

    answer = client.post("/v1/galleries", content=content, headers={"Content-Type": content_type})

    assert_problem(answer, 403, "csrf_token_invalid")
    assert not made()


@pytest.mark.parametrize(
    "fields",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver:8443"},
        {"Origin": "http://www.testserver"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_origin_does_not_use_the_cookie_even_with_the_token(
    client: TestClient, body: dict[str, str], made: Callable[[], bool], fields: dict[str, str]
) -> None:
    assert_problem(client.post("/v1/galleries", json=body, headers=fields), 403, "cross_site")
    assert_problem(client.get("/v1/session", headers=fields), 403, "cross_site")
    assert not made()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Origin": "http://testserver"},
        {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://faces.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_page_of_this_server_uses_the_cookie(
    client: TestClient, body: dict[str, str], fields: dict[str, str]
) -> None:
    """The last one comes through a proxy that replaces `Host`."""
    assert client.post("/v1/galleries", json=body, headers=fields).status_code == 201


def test_a_site_that_may_send_keys_may_not_send_cookies(
    admin: TestClient, migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = Settings(
        home=tmp_path_factory.mktemp("cors"),
        database_url=migrated,
        api_key=SecretStr(BOOTSTRAP),
        cors_origins="https://shop.example",
        threads=2,
    )
    origin = {"Origin": "https://shop.example"}
    with TestClient(create_app(settings), raise_server_exceptions=False) as server:
        client = browser(server)
        sign_in(client, BOOTSTRAP)
        answer = client.get("/v1/session", headers=origin)
        assert_problem(answer, 403, "cross_site")
        assert "access-control-allow-credentials" not in answer.headers
        preflight = origin | {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": TOKEN.lower(),
        }
        assert client.options("/v1/galleries", headers=preflight).status_code == 400
        by_key = browser(server).get("/v1/session", headers=origin | {"X-API-Key": BOOTSTRAP})
        assert by_key.status_code == 200


def test_a_key_decides_whatever_the_cookie_says(admin: TestClient, client: TestClient) -> None:
    """It needs no token: a page of another site cannot add a header field."""
    key = new_key(admin, "read")["key"]
    cookie = {"Cookie": f"{NAME}={client.cookies[NAME]}"}
    plain = browser(admin)

    shown = plain.get("/v1/session", headers=cookie | {"X-API-Key": key}).json()
    assert (shown["signed_in_by"], shown["permissions"]) == ("key", ["read"])
    denied = plain.post("/v1/galleries", json={"name": "x"}, headers=cookie | {"X-API-Key": key})
    assert_problem(denied, 403, "permission_denied")
    for wrong in ({"X-API-Key": "wrong"}, {"X-API-Key": ""}, {"Authorization": "Bearer wrong"}):
        assert_problem(plain.get("/v1/session", headers=cookie | wrong), 401, "not_authenticated")
    foreign = {"Cookie": f"{NAME}={'0' * 64}", "X-API-Key": key}
    assert plain.get("/v1/galleries", headers=foreign).status_code == 200


def test_of_two_cookies_none_is_used(admin: TestClient, client: TestClient) -> None:
    """Another host of the domain can plant one."""
    own = client.cookies[NAME]
    other = browser(admin)
    sign_in(other, BOOTSTRAP)
    planted = other.cookies[NAME]
    for cookie in (
        f"{NAME}={own}; {NAME}={planted}",
        f"{NAME}={planted};{NAME}={own}",
        f"{NAME}=; {NAME}={own}",
    ):
        assert_problem(
            browser(admin).get("/v1/session", headers={"Cookie": cookie}), 401, "not_authenticated"
        )
    twice = httpx2.Headers([("Cookie", f"{NAME}={own}"), ("Cookie", f"{NAME}={planted}")])
    assert_problem(browser(admin).get("/v1/session", headers=twice), 401, "not_authenticated")


def test_a_cookie_that_is_almost_right_is_rejected(admin: TestClient, client: TestClient) -> None:
    token = client.cookies[NAME]
    wrong = [
        f"{NAME}={token.upper()}" if token.upper() != token else f"{NAME}=x",
        f"{NAME}={token[:-1]}",
        f"{NAME}={token}0",
        f'{NAME}="{token}"',
        f"{NAME.upper()}={token}",
        f"{NAME} ={token}",
        f"__Host-{NAME}={token}",
        f"x{NAME}={token}",
        f"{NAME}={'0' * 64}",
        f"{NAME}={BOOTSTRAP}",
        f"{NAME}={client.headers[TOKEN]}",
        token,
    ]
    for cookie in wrong:
        answer = browser(admin).get("/v1/session", headers={"Cookie": cookie})
        assert_problem(answer, 401, "not_authenticated")
    among = f"theme=dark; {NAME}={token}; other=1"
    assert browser(admin).get("/v1/session", headers={"Cookie": among}).status_code == 200


def test_no_other_field_carries_the_token(admin: TestClient, client: TestClient) -> None:
    token = client.cookies[NAME]
    for fields in ({"X-API-Key": token}, {"Authorization": f"Bearer {token}"}, {"X-Session": token}):
        assert_problem(browser(admin).get("/v1/session", headers=fields), 401, "not_authenticated")
    assert_problem(browser(admin).get("/v1/session", params={NAME: token}), 401, "not_authenticated")


def test_no_header_field_changes_the_method(
    client: TestClient, body: dict[str, str], made: Callable[[], bool]
) -> None:
    """`GET` needs no token."""
    del client.headers[TOKEN]
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"):
        client.request("GET", "/v1/galleries", json=body, headers={name: "POST"})
    assert not made()


def test_a_rejected_request_is_in_the_audit_record(admin: TestClient, store: Database) -> None:
    key = new_key(admin, "read")
    client = browser(admin)
    sign_in(client, key["key"])
    del client.headers[TOKEN]
    client.delete("/v1/session")
    client.get("/v1/session", headers={"Sec-Fetch-Site": "cross-site"})
    admin.app.state.engine.rejections.flush()  # type: ignore[attr-defined]

    events = admin.get("/v1/audit", params={"action": "access", "caller": key["id"]}).json()["events"]

    found = {(event["details"]["operation"], event["details"]["reason"]) for event in events}
    assert found == {("delete_session", "csrf_token_invalid"), ("get_session", "cross_site")}


def test_requests_beside_a_sign_out_succeed_or_are_rejected_and_later_ones_are_rejected(
    admin: TestClient,
) -> None:
    for _ in range(2):
        client = browser(admin)
        sign_in(client, BOOTSTRAP)
        cookie = {"Cookie": f"{NAME}={client.cookies[NAME]}"}
        client.cookies.clear()

        def get(_: Any, cookie: dict[str, str] = cookie) -> int:
            return int(browser(admin).get("/v1/session", headers=cookie).status_code)

        with ThreadPoolExecutor(4) as pool:
            beside = pool.map(get, range(12))
            assert client.delete("/v1/session", headers=cookie).status_code == 204
            after = get(None)
            assert set(beside) <= {200, 401}
        assert after == 401
        again = client.delete("/v1/session", headers=cookie)
        assert_problem(again, 401, "not_authenticated")


@pytest.fixture(scope="module")
def proxied(store: Database, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Behind a proxy on this machine that ends TLS, below a path prefix."""
    settings = Settings(
        home=tmp_path_factory.mktemp("proxied"),
        database_url=migrated,
        api_key=SecretStr(BOOTSTRAP),
        root_path="/faces",
        forwarded_allow_ips="192.0.2.1",
        threads=2,
    )
    app = create_app(settings)
    with TestClient(app, raise_server_exceptions=False, client=("192.0.2.1", 4711)) as client:
        yield client


def test_behind_a_proxy_the_cookie_is_for_the_prefix_and_for_https(proxied: TestClient) -> None:
    fields = {"X-API-Key": BOOTSTRAP, "X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
    answer = proxied.post("/v1/session", headers=fields)

    name, *attributes = answer.headers["set-cookie"].split("; ")
    assert name.startswith("__Secure-gemel-session=")
    assert attributes == ["Path=/faces", "HttpOnly", "SameSite=Strict", "Secure"]
    cookie = {"Cookie": name, "X-Forwarded-Proto": "https"}
    for path in ("/v1/session", "/faces/v1/session"):  # some proxies strip the prefix
        assert proxied.get(path, headers=cookie).status_code == 200
    ended = proxied.delete("/faces/v1/session", headers=cookie | {TOKEN: answer.json()["csrf_token"]})
    assert ended.headers["set-cookie"].startswith("__Secure-gemel-session=; Path=/faces;")


def test_only_a_named_proxy_says_that_a_request_came_by_https(proxied: TestClient) -> None:
    client = TestClient(proxied.app, raise_server_exceptions=False, client=("203.0.113.5", 4711))
    answer = client.post("/v1/session", headers={"X-API-Key": BOOTSTRAP, "X-Forwarded-Proto": "https"})

    assert answer.headers["set-cookie"].startswith("gemel-session=")
    assert "Secure" not in answer.headers["set-cookie"]


def test_a_browser_never_asks_a_person_for_a_password_in_the_console(anonymous: TestClient) -> None:
    """It would, if the answer to a script named HTTP Basic."""
    script = {"Sec-Fetch-Mode": "cors"}
    for path in ("/v1/session", "/v1/galleries"):
        assert "Basic" not in anonymous.get(path).headers["WWW-Authenticate"]
    assert "Basic" not in anonymous.get("/metrics", headers=script).headers["WWW-Authenticate"]
    navigation = {"Sec-Fetch-Mode": "navigate"}
    assert "Basic" in anonymous.get("/docs", headers=navigation).headers["WWW-Authenticate"]
