"""Who is turned away at the door, before anything is read."""

import re
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from indexer.settings import Settings
from service.app import create_app
from tests.support.asking import assert_problem


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver:1234"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"sec-fetch-site": "Cross-Site"},
        {"SEC-FETCH-SITE": " cross-site "},
        {"Sec-Fetch-Site": "something-new"},
        {"Origin": "HTTPS://EVIL.example"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "testserver"},
        {"Origin": ""},
    ],
)
def test_a_page_of_another_site_cannot_ask_a_server_without_a_key(
    client: TestClient, hopper: bytes, headers: dict[str, str]
) -> None:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()

    refused = client.post("/v1/galleries/staff/identities", files={"images": hopper}, headers=headers)

    assert refused.status_code == 403
    assert refused.json()["code"] == "cross_site"
    assert client.get("/v1/galleries/staff").json()["identities"] == 0


def test_the_servers_own_page_may_ask(client: TestClient) -> None:
    for number, own in enumerate(
        (
            {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
            {"Origin": "http://TestServer:80", "Sec-Fetch-Site": "Same-Origin"},
            {"Origin": "http://[::1]:8000", "Host": "[::1]:8000"},
            {"Sec-Fetch-Site": "none"},
        )
    ):
        made = client.post("/v1/galleries", json={"name": f"staff{number}"}, headers=own)
        assert made.status_code == 201, own


ORIGINS = [("Origin", "http://testserver"), ("Origin", "https://evil.example")]


def test_of_two_origins_neither_may_be_foreign(client: TestClient) -> None:
    for headers in (ORIGINS, ORIGINS[::-1]):
        assert client.get("/v1/galleries", headers=headers).json()["code"] == "cross_site"


# Names


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "localhost.",
        "127.0.0.1",
        "127.0.0.1:8000",
        "127.8.9.10",
        "[::1]",
        "[::1]:8000",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]:8000",
    ],
)
def test_without_a_key_a_server_answers_for_loopback_names(client: TestClient, host: str) -> None:
    assert client.get("/v1/galleries", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "localhost:8000@evil.example",
        "evil.example#localhost",
        "localhost/",
        "localhost:",
        "localhost:8000:8000",
        "localhost,evil.example",
        "localhost evil.example",
        "192.168.0.1",
        "[::ffff:192.168.0.1]",
        "0.0.0.0",
        "[::]",
        "::1",
        "[::1",
        "2130706433",
        "127.1",
        "",
        "xn--lcalhost-6bb",
        "testserver.evil.example",
    ],
)
def test_without_a_key_a_server_answers_for_no_other_name(
    client: TestClient, hopper: bytes, host: str
) -> None:
    """A page's own name may have been made to lead here (DNS rebinding): for a browser it is one site then,
    and sends neither Origin nor Sec-Fetch-Site of another."""
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}

    for refused in (
        client.get("/v1/galleries", headers=own),
        client.get("/readyz", headers=own),
        client.get("/docs", headers=own),
        client.delete("/v1/galleries/staff", headers=own),
        client.post("/v1/galleries/staff/identities", files={"images": hopper}, headers=own),
    ):
        assert_problem(refused, 421, "host_not_allowed")
    assert client.get("/v1/galleries/staff").json()["identities"] == 0


@pytest.mark.parametrize("hosts", [("localhost", "evil.example"), ("evil.example", "localhost")])
def test_a_request_names_its_host_once(client: TestClient, hosts: tuple[str, str]) -> None:
    headers = [("Host", host) for host in hosts]
    assert_problem(client.get("/v1/galleries", headers=headers), 400, "malformed_request")


def test_names_that_are_set_are_answered_for(migrated: str, tmp_path: Path) -> None:
    """With a key and without; with one, health is asked by whatever name."""
    names = "Faces.example.org, *.internal.example"
    for key in (None, SecretStr("correct horse")):
        settings = Settings(home=tmp_path, database_url=migrated, allowed_hosts=names, api_key=key)
        own = {} if key is None else {"X-API-Key": key.get_secret_value()}
        with TestClient(create_app(settings)) as client:
            for host in ("faces.example.org", "FACES.example.org:443", "a.internal.example", "localhost"):
                assert client.get("/v1/models", headers={"Host": host, **own}).status_code == 200
            for host in ("internal.example", "evilinternal.example", "other.example.org", "testserver"):
                refused = client.get("/v1/models", headers={"Host": host, **own})
                assert_problem(refused, 421, "host_not_allowed")
                probe = client.get("/readyz", headers={"Host": host})
                assert probe.status_code == (421 if key is None else 200)


def test_with_a_key_every_name_is_answered_for_unless_names_are_set(migrated: str, tmp_path: Path) -> None:
    key = SecretStr("correct horse")
    settings = Settings(home=tmp_path, database_url=migrated, allowed_hosts=None, api_key=key)
    with TestClient(create_app(settings)) as client:
        headers = {"Host": "faces.example.org", "X-API-Key": key.get_secret_value()}
        assert client.get("/v1/models", headers=headers).status_code == 200


def test_no_redirect_leads_to_where_the_client_says(client: TestClient) -> None:
    """Not by Host, nor by a path that a browser takes for a name."""
    for path in ("/", "/v1/galleries/", "/docs/", "//evil.example", "//evil.example/..", "/healthz/"):
        answer = client.get(path, headers={"Host": "localhost:1"}, follow_redirects=False)
        assert answer.headers.get("location", "/docs") == "/docs", path


# Other sites that are let in, and a prefix


def test_pages_of_sites_that_are_set_may_ask(migrated: str, tmp_path: Path) -> None:
    site = {"Origin": "https://console.example.org"}
    preflight = {"Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "x-api-key"}
    for key in (None, SecretStr("correct horse")):
        settings = Settings(
            home=tmp_path, database_url=migrated, cors_origins="https://console.example.org/", api_key=key
        )
        own = {} if key is None else {"X-API-Key": key.get_secret_value()}
        with TestClient(create_app(settings)) as client:
            allowed = client.options("/v1/galleries/staff", headers=site | preflight)
            assert allowed.status_code == 200
            assert allowed.headers["access-control-allow-origin"] == site["Origin"]
            assert "DELETE" in allowed.headers["access-control-allow-methods"]
            sent = site | own | {"Sec-Fetch-Site": "cross-site"}
            answer = client.get("/v1/models", headers=sent)
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == site["Origin"]
            assert "access-control-allow-credentials" not in answer.headers

            other = client.get("/v1/models", headers=sent | {"Origin": "https://evil.example"})
            assert "access-control-allow-origin" not in other.headers
            assert other.status_code == (403 if key is None else 200)


def test_a_server_without_a_key_is_not_opened_to_all_sites(migrated: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=migrated, cors_origins="*")
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert_problem(client.get("/v1/models", headers=headers), 403, "cross_site")


def test_below_a_prefix_everything_is_there(migrated: str, tmp_path: Path) -> None:
    """Whether a proxy has taken it off or not."""
    key = {"X-API-Key": "correct horse"}
    settings = Settings(
        home=tmp_path, database_url=migrated, root_path="/faces", api_key=SecretStr("correct horse")
    )
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        for prefix in ("/faces", ""):
            assert client.get(f"{prefix}/healthz").status_code == 200
            assert_problem(client.get(f"{prefix}/v1/galleries"), 401, "not_authenticated")
            assert client.get(f"{prefix}/v1/galleries", headers=key).status_code == 200
            assert "/faces/openapi.json" in client.get(f"{prefix}/docs", headers=key).text
            assert client.get(f"{prefix}/docs/swagger-ui.css", headers=key).status_code == 200
            console = client.get(f"{prefix}/", headers=key).text
            [script] = re.findall(r'<script type="module" src="([^"]+)"', console)
            assert client.get(f"{prefix}/{script}").status_code == 200
            document = client.get(f"{prefix}/openapi.json", headers=key).json()
            assert document["servers"] == [{"url": "/faces"}]
        for path in ("/facesx/healthz", "/faces/v1/healthz", "/faces/faces/healthz", "/healthz/faces"):
            assert_problem(client.get(path), 401, "not_authenticated")


# Methods


def test_what_can_be_read_answers_head(client: TestClient) -> None:
    """With the header fields of GET, without a body."""
    for path in ("/healthz", "/readyz", "/v1/galleries", "/docs", "/metrics"):
        got, head = client.get(path), client.head(path)
        assert head.status_code == got.status_code == 200
        assert head.content == b""
        assert head.headers["content-type"] == got.headers["content-type"]
    assert client.head("/v1/galleries/nothere").status_code == 404


def test_a_405_names_all_methods_of_the_path(client: TestClient) -> None:
    somebody = f"/v1/galleries/staff/identities/{uuid4()}"
    for path, method, allowed in (
        ("/v1/galleries", "PUT", {"HEAD", "GET", "POST"}),
        ("/v1/galleries/staff", "POST", {"HEAD", "GET", "PATCH", "DELETE"}),
        (somebody, "PUT", {"HEAD", "GET", "PATCH", "DELETE"}),
        (f"{somebody}/faces", "PUT", {"HEAD", "GET", "POST"}),
        ("/v1/detect", "GET", {"POST"}),
        ("/v1/detect", "HEAD", {"POST"}),
        ("/healthz", "POST", {"HEAD", "GET"}),
    ):
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert {name.strip() for name in answer.headers["allow"].split(",")} == allowed, path
