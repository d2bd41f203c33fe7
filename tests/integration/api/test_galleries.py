"""Galleries over HTTP, and what operators ask."""

import logging
import re
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from indexer.settings import Settings
from service.app import create_app
from tests.support.asking import assert_problem, enrol, files


def test_a_gallery_is_made_listed_read_and_deleted(client: TestClient) -> None:
    """Its whole life, with the same answer wherever it is shown."""
    made = client.post("/v1/galleries", json={"name": "staff"})
    assert made.status_code == 201
    gallery = made.json()
    assert UUID(gallery["id"]).version == 7
    assert (gallery["name"], gallery["store_crops"]) == ("staff", True)
    assert (gallery["identities"], gallery["faces"], gallery["change_number"]) == (0, 0, 0)

    assert client.get("/v1/galleries/staff").json() == gallery
    assert client.get("/v1/galleries").json() == {"galleries": [gallery], "next_cursor": None}

    assert client.delete("/v1/galleries/staff").status_code == 204
    assert client.get("/v1/galleries").json() == {"galleries": [], "next_cursor": None}
    assert_problem(client.get("/v1/galleries/staff"), 404, "gallery_not_found")
    assert_problem(client.delete("/v1/galleries/staff"), 404, "gallery_not_found")


def test_galleries_are_listed_by_name_with_their_counts(client: TestClient, hopper: bytes) -> None:
    for name in ("b", "a", "c.d_e-f", "9"):
        assert client.post("/v1/galleries", json={"name": name}).status_code == 201
    enrol(client, "b", hopper)
    enrol(client, "b", name="Without a face")

    listed = client.get("/v1/galleries").json()["galleries"]
    assert {g["name"]: (g["identities"], g["faces"]) for g in listed} == {
        "9": (0, 0),
        "a": (0, 0),
        "b": (2, 1),
        "c.d_e-f": (0, 0),
    }


def test_a_second_gallery_of_one_name_is_409(client: TestClient) -> None:
    client.post("/v1/galleries", json={"name": "staff"})
    again = client.post("/v1/galleries", json={"name": "staff", "store_crops": False})

    assert_problem(again, 409, "gallery_exists")
    assert client.get("/v1/galleries/staff").json()["store_crops"] is True
    assert client.post("/v1/galleries", json={"name": "Staff"}).status_code == 201


def test_a_gallery_that_keeps_no_crops_has_none(client: TestClient, hopper: bytes) -> None:
    """The face is found all the same; only its crop is 404, by a code of its own."""
    client.post("/v1/galleries", json={"name": "staff", "store_crops": False})
    identity = enrol(client, "staff", hopper)
    face = identity["faces"][0]["id"]

    crop = client.get(f"/v1/galleries/staff/identities/{identity['id']}/faces/{face}/crop")
    assert_problem(crop, 404, "crop_not_stored")
    answer = client.post("/v1/galleries/staff/identify", files=files("image", hopper)).json()
    assert answer["faces"][0]["candidates"][0]["face_id"] == face


def test_health_and_readiness(client: TestClient, hopper: bytes) -> None:
    """Alive at once; ready with the model, what is enrolled, and what is in memory."""
    assert client.get("/healthz").json() == {"status": "ok"}
    client.post("/v1/galleries", json={"name": "staff"})
    enrolled = enrol(client, "staff", hopper)
    client.post("/v1/galleries/staff/identify", files=files("image", hopper))

    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "status": "ready",
        "model": enrolled["model"],
        "galleries": 1,
        "faces": 1,
        "indexes_open": 1,
        "sync": "ok",
        "shards": "off",
    }


def test_a_server_that_has_opened_no_index_yet_tells_what_is_enrolled(
    client: TestClient, settings: Settings, hopper: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """After a start, before anybody has searched: small galleries are opened by the first search."""
    for name in ("staff", "empty", "other"):
        client.post("/v1/galleries", json={"name": name})
    enrol(client, "staff", hopper)

    caplog.set_level(logging.INFO, "service.startup")
    with TestClient(create_app(settings)) as fresh:
        ready = fresh.get("/readyz").json()

    assert (ready["galleries"], ready["faces"], ready["indexes_open"]) == (3, 1, 0)
    assert "3 galleries, 1 faces enrolled, 0 indexes open" in caplog.text


def test_one_of_the_models_is_active_and_it_is_the_one_in_answers(client: TestClient) -> None:
    models = client.get("/v1/models").json()["models"]
    [active] = [model for model in models if model["active"]]

    assert active["fingerprint"] == client.get("/readyz").json()["model"]
    assert active["dimension"] == 128
    assert all(model["licence"] and model["source"] for model in models)
    assert len({model["fingerprint"] for model in models}) == len(models)


def test_metrics_count_requests_by_route_and_time_the_stages(client: TestClient, hopper: bytes) -> None:
    """Names of galleries are no labels: their number would grow without bound."""
    client.post("/v1/galleries", json={"name": "staff"})
    enrol(client, "staff", hopper)
    client.post("/v1/galleries/staff/identify", files=files("image", hopper))
    client.get("/v1/galleries/nothere")
    client.get("/nothere/either")

    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text
    assert re.search(r'gemel_requests_total{.*route="/v1/galleries/{gallery}/identify".*} 1\.0', lines)
    assert re.search(r'gemel_requests_total{.*route="/v1/galleries/{gallery}",status="404"} 1\.0', lines)
    for stage in ("decode", "detect", "align", "embed", "search"):
        assert f'gemel_stage_seconds_count{{stage="{stage}"}}' in lines
    assert "gemel_index_faces 1.0" in lines
    assert "gemel_index_galleries 1.0" in lines
    assert "staff" not in lines
    assert "nothere" not in lines


@pytest.fixture
def operations(client: TestClient) -> dict[tuple[str, str], dict[str, Any]]:
    """Of the OpenAPI document, by method and path."""
    paths = client.get("/openapi.json").json()["paths"]
    return {(method, path): told for path, item in paths.items() for method, told in item.items()}


def test_the_openapi_document_is_whole(client: TestClient) -> None:
    """Version 3.1, every reference in it leads somewhere, every operation has a name of its own."""
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"] == "Gemel"

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            here = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return here + [r for value in node.values() for r in references(value)]
        return [r for value in node for r in references(value)] if isinstance(node, list) else []

    for reference in references(document):
        target = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
    ids = [told["operationId"] for item in document["paths"].values() for told in item.values()]
    assert len(ids) == len(set(ids))


def test_the_openapi_document_knows_every_promised_route(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    gallery, identity = "/v1/galleries/{gallery}", "/v1/galleries/{gallery}/identities/{identity_id}"
    search, one_import = "/v1/audit/{audit_id}", f"{gallery}/imports/{{import_id}}"
    job, own = "/v1/reindexes/{job_id}", "/v1/galleries/{gallery}/identities/by-external-id/{external_id}"
    assert set(operations) == {
        ("post", "/v1/galleries"),
        ("get", "/v1/galleries"),
        ("get", gallery),
        ("patch", gallery),
        ("delete", gallery),
        ("get", f"{gallery}/fpir-check"),
        ("get", f"{gallery}/export"),
        *((method, f"{gallery}/calibration") for method in ("get", "post")),
        ("get", f"{gallery}/calibration/preview"),
        ("post", f"{gallery}/identify"),
        ("post", "/v1/identify"),
        *(("post", f"/v1/liveness{path}") for path in ("", "/challenges")),
        ("post", f"{gallery}/identify/stream"),
        ("post", f"{gallery}/search"),
        ("post", f"{gallery}/identities"),
        ("get", f"{gallery}/identities"),
        ("get", identity),
        ("patch", identity),
        ("delete", identity),
        *((method, own) for method in ("get", "put", "patch", "delete")),
        ("post", f"{own}/verify"),
        ("post", f"{own}/faces"),
        ("post", f"{identity}/verify"),
        ("post", f"{identity}/faces"),
        ("get", f"{identity}/faces"),
        ("delete", identity + "/faces/{face_id}"),
        ("get", identity + "/faces/{face_id}/crop"),
        ("post", "/v1/verify"),
        ("post", "/v1/detect"),
        ("get", "/v1/attributes"),
        ("get", "/v1/samples"),
        ("get", "/v1/samples/{sample}"),
        ("get", "/v1/models"),
        ("get", "/v1/errors"),
        ("get", "/v1/doctor"),
        ("get", "/v1/indexes"),
        ("get", "/v1/imports"),
        *((method, f"{gallery}/transfers") for method in ("get", "post")),
        ("get", f"{gallery}/transfers/{{transfer_id}}"),
        ("put", f"{gallery}/transfers/{{transfer_id}}/files/{{file_name}}"),
        ("post", f"{gallery}/transfers/{{transfer_id}}/cancel"),
        *((method, f"{gallery}/clusterings") for method in ("get", "post")),
        ("get", f"{gallery}/clusterings/{{clustering_id}}"),
        ("get", f"{gallery}/clusterings/{{clustering_id}}/groups"),
        *(("post", f"{gallery}/clusterings/{{clustering_id}}/{what}") for what in ("cancel", "undo")),
        *((method, f"{gallery}/duplicate-searches") for method in ("get", "post")),
        ("get", f"{gallery}/duplicate-searches/{{search_id}}"),
        ("post", f"{gallery}/duplicate-searches/{{search_id}}/cancel"),
        ("post", f"{gallery}/index/rebuild"),
        ("post", f"{gallery}/index/verify"),
        ("post", "/v1/reindexes"),
        ("post", "/v1/reindexes/plan"),
        ("get", "/v1/reindexes"),
        ("get", job),
        ("get", f"{job}/comparison"),
        *(("post", f"{job}/{what}") for what in ("pause", "resume", "cancel")),
        *(("post", f"{job}/{what}") for what in ("activate", "rollback", "cleanup")),
        ("post", f"{identity}/merge"),
        ("post", f"{identity}/split"),
        ("post", identity + "/faces/{face_id}/move"),
        ("get", gallery + "/people-changes"),
        ("post", gallery + "/people-changes/{change_id}/undo"),
        ("get", gallery + "/identities/{identity_id}/sightings"),
        ("get", gallery + "/visitors"),
        ("delete", gallery + "/visitors"),
        ("get", f"{gallery}/imports"),
        ("post", f"{gallery}/imports"),
        ("get", one_import),
        ("delete", one_import),
        *((method, f"{one_import}/files") for method in ("get", "post")),
        ("get", f"{one_import}/files/{{file_id}}/picture"),
        *(("post", f"{one_import}/{what}") for what in ("finish", "cancel", "retry")),
        ("get", f"{gallery}/reviews"),
        ("get", gallery + "/reviews/{review_id}"),
        *(("post", f"{gallery}/reviews/{{review_id}}/{what}") for what in ("same", "different", "reopen")),
        *((method, "/v1/session") for method in ("get", "post", "delete")),
        *((method, "/v1/keys") for method in ("get", "post")),
        *((method, "/v1/keys/{key_id}") for method in ("get", "patch", "delete")),
        ("post", "/v1/keys/{key_id}/rotate"),
        ("get", "/v1/audit"),
        ("get", "/v1/audit/head"),
        ("get", "/v1/audit/{event_id}"),
        ("get", f"{search}/explain"),
        ("post", f"{search}/replay"),
        ("get", f"{search}/faces/{{face}}/crop"),
        ("delete", f"{search}/faces"),
        ("post", f"{search}/disputes"),
        ("delete", f"{search}/disputes/{{dispute_id}}"),
        ("get", "/healthz"),
        ("get", "/readyz"),
        ("get", "/metrics"),
    }


def test_every_route_documents_its_errors_as_problems(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    """What FastAPI would document by itself, a 422 of another form, is never sent."""
    for (method, path), told in operations.items():
        assert told.get("summary"), (method, path)
        errors = {int(s): r for s, r in told["responses"].items() if int(s) >= 400}
        for status, response in errors.items():
            assert list(response["content"]) == ["application/problem+json"], (method, path, status)
            schema = response["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, (method, path, status)
        wanted = set()
        if path not in ("/healthz", "/readyz"):
            wanted |= {401}
        if "{gallery}" in path:
            wanted |= {404}
        if "_id}" in path:
            wanted |= {422}
        if "requestBody" in told:
            wanted |= {413, 422}
        if "multipart/form-data" in told.get("requestBody", {}).get("content", {}):
            wanted |= {415}
        assert wanted <= set(errors), (method, path)


def test_every_route_that_takes_pictures_documents_both_ways_to_send_them(
    operations: dict[tuple[str, str], dict[str, Any]],
) -> None:
    takers = 0
    for told in operations.values():
        content = told.get("requestBody", {}).get("content", {})
        if "multipart/form-data" in content and "application/zip" not in content:
            takers += 1
            assert content["application/json"]["example"]
            assert content["multipart/form-data"]["schema"]["properties"].keys() == (
                content["application/json"]["schema"]["properties"].keys()
            )
    assert takers == 11


def test_the_docs_are_served(client: TestClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert "/openapi.json" in page.text
