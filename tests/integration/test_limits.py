"""Who is turned away at the door, before anything is read."""

import pytest
from fastapi.testclient import TestClient


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver:1234"},
        {"Sec-Fetch-Site": "cross-site"},
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
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}

    assert client.post("/v1/galleries", json={"name": "staff"}, headers=own).status_code == 201
