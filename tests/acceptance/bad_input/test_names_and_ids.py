"""Names and ids that cannot be, and those of nobody."""

import json
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from tests.support.asking import (
    JSON,
    assert_problem,
    files,
)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "a/b",
        "..",
        ".hidden",
        "-a",
        "a\n",
        "a\0",
        "é",
        "👩‍🚀",
        "%2e",
        "a" * 64,
        "a" * 10_000,
        "\ud800",
        5,
        None,
        ["a"],
    ],
    ids=lambda name: repr(name)[:16],
)
def test_a_gallery_of_an_odd_name_is_not_made(api: TestClient, unchanged: None, name: Any) -> None:
    answer = api.post("/v1/galleries", content=json.dumps({"name": name}), headers=JSON)
    assert "name" in assert_problem(answer, 422, "invalid_request")["detail"]


@pytest.mark.parametrize(
    "body", [{"name": "fine", "store_crop": False}, {"name": "fine", "store_crops": "perhaps"}]
)
def test_an_unknown_or_wrong_field_of_a_gallery_is_refused(
    api: TestClient, unchanged: None, body: dict[str, Any]
) -> None:
    """A mistyped `store_crops` must not store crops."""
    assert_problem(api.post("/v1/galleries", json=body), 422, "invalid_request")


@pytest.mark.parametrize(
    "name",
    [
        "nothere",
        "%00",
        "%FF",
        "%0A",
        "%20",
        "a%2Fb",
        "..%2F..%2Fv1",
        "%252e",
        "%C3%A9",
        "%F0%9F%91%A9",
        "x" * 10_000,
        "'",
        "%25",
    ],
    ids=lambda name: name[:16],
)
def test_a_gallery_that_is_not_there_is_404_for_every_route(
    api: TestClient, hopper: bytes, unchanged: None, name: str
) -> None:
    base, somebody = f"/v1/galleries/{name}", uuid4()
    for answer in (
        api.get(base),
        api.delete(base),
        api.get(f"{base}/identities"),
        api.post(f"{base}/identities", files=files("images", hopper)),
        api.post(f"{base}/identities", json={"name": "Grace"}),
        api.post(f"{base}/identify", files=files("image", hopper)),
        api.get(f"{base}/identities/{somebody}"),
        api.patch(f"{base}/identities/{somebody}", json={"name": "Grace"}),
        api.delete(f"{base}/identities/{somebody}"),
        api.post(f"{base}/identities/{somebody}/verify", files=files("image", hopper)),
        api.get(f"{base}/identities/{somebody}/faces"),
        api.post(f"{base}/identities/{somebody}/faces", files=files("images", hopper)),
        api.delete(f"{base}/identities/{somebody}/faces/{somebody}"),
        api.get(f"{base}/identities/{somebody}/faces/{somebody}/crop"),
    ):
        assert_problem(answer, 404)


@pytest.mark.parametrize("id", ["none", "4711", "%00", "%FF", "'", "x" * 5000, "0" * 33])
def test_an_id_that_is_no_uuid_is_refused(
    api: TestClient, staff: str, person: str, hopper: bytes, unchanged: None, id: str
) -> None:
    path = f"/v1/galleries/{staff}/identities/{id}"
    for answer in (
        api.get(path),
        api.patch(path, json={"name": "x"}),
        api.delete(path),
        api.post(f"{path}/verify", files=files("image", hopper)),
        api.post(f"{path}/faces", files=files("images", hopper)),
        api.get(f"{path}/faces"),
        api.get(f"{person}/faces/{id}/crop"),
        api.delete(f"{person}/faces/{id}"),
    ):
        assert_problem(answer, 422, "invalid_request")


def test_an_id_of_nobody_is_404(
    api: TestClient, staff: str, person: str, hopper: bytes, unchanged: None
) -> None:
    """Nor does another gallery's identity, or another identity's face, answer."""
    nobody = f"/v1/galleries/{staff}/identities/{uuid4()}"
    for answer in (
        api.get(nobody),
        api.patch(nobody, json={"name": "x"}),
        api.delete(nobody),
        api.post(f"{nobody}/verify", files=files("image", hopper)),
        api.post(f"{nobody}/faces", files=files("images", hopper)),
        api.get(f"{nobody}/faces"),
    ):
        assert_problem(answer, 404, "identity_not_found")
    for answer in (api.get(f"{person}/faces/{uuid4()}/crop"), api.delete(f"{person}/faces/{uuid4()}")):
        assert_problem(answer, 404, "face_not_found")


@pytest.mark.parametrize(
    "query",
    [
        "cursor=none",
        "cursor=",
        "cursor=%00",
        "cursor=%FF",
        "limit=0",
        "limit=-1",
        "limit=1001",
        "limit=x",
        "limit=" + "9" * 5000,
        "external_id=",
        "external_id=%00",
        "external_id=" + "x" * 300,
    ],
    ids=lambda query: query[:20],
)
def test_a_wrong_query_is_refused(api: TestClient, staff: str, unchanged: None, query: str) -> None:
    assert_problem(api.get(f"/v1/galleries/{staff}/identities?{query}"), 422, "invalid_request")


def test_unknown_paths_and_methods_are_problems_too(api: TestClient, staff: str, unchanged: None) -> None:
    assert_problem(api.get("/v2/galleries"), 404, "not_found")
    assert_problem(api.get("/v1/galleries//identities"), 404)
    assert_problem(api.put(f"/v1/galleries/{staff}", json={}), 405, "method_not_allowed")
    assert_problem(api.get("/v1/detect"), 405, "method_not_allowed")
