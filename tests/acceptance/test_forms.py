"""Every way in which a picture and its fields are sent, and bodies of a million elements."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from tests.support.asking import assert_problem, counts, enrol, files, identify, try_to_identify

JSON = {"content-type": "application/json"}
URLENCODED = {"content-type": "application/x-www-form-urlencoded"}
MILLION = 1_000_000


@pytest.fixture(scope="module")
def staff(api: TestClient, hopper: bytes) -> Iterator[str]:
    name = f"staff-{uuid4().hex}"
    api.post("/v1/galleries", json={"name": name})
    enrol(api, name, hopper, name="Hopper")
    yield name
    api.delete(f"/v1/galleries/{name}")


def multipart(head: str, data: bytes) -> dict[str, Any]:
    body = b"--b\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data + b"\r\n--b--\r\n"
    return {"content": body, "headers": {"content-type": "multipart/form-data; boundary=b"}}


@pytest.mark.parametrize(
    "head",
    [
        'name="image"',
        "name=image",
        'name="image"\r\nContent-Type: image/jpeg',
        'name="image"\r\nContent-Type: application/octet-stream',
        'name="image"; filename=""',
        "name=\"image\"; filename*=utf-8''gr%C3%A4ce.jpg",
        'name="image"; filename="a.jpg"\r\nContent-Transfer-Encoding: binary',
    ],
)
def test_a_picture_is_read_from_a_part_with_or_without_a_filename(
    api: TestClient, hopper: bytes, head: str
) -> None:
    answer = api.post("/v1/detect", **multipart(head, hopper))

    assert answer.status_code == 200, answer.text
    assert answer.json()["faces_found"] == 1


@pytest.mark.parametrize("rubbish", [0, 2_000_000])
def test_base64_is_read_from_a_field_of_a_form_however_long(
    api: TestClient, hopper: bytes, rubbish: int
) -> None:
    """In multipart and urlencoded, with a `+` that is escaped and one that is not."""
    encoded = base64.b64encode(hopper + bytes(rubbish))
    assert b"+" in encoded
    for sent in (
        multipart('name="image"', encoded),
        multipart('name="image"\r\nContent-Type: text/plain', b"data:image/jpeg;base64," + encoded),
        multipart('name="image"; filename="a"\r\nContent-Transfer-Encoding: base64', encoded),
        {"content": urlencode({"image": encoded}), "headers": URLENCODED},
        {"content": b"image=" + encoded, "headers": URLENCODED},
    ):
        answer = api.post("/v1/detect", **sent)
        assert answer.status_code == 200, answer.text
        assert answer.json()["faces_found"] == 1


def test_fields_of_a_form_that_are_left_blank_are_absent(api: TestClient, staff: str, hopper: bytes) -> None:
    blank = {"threshold": "", "max_faces": "", "max_candidates": "", "min_change_number": ""}
    assert identify(api, staff, hopper, **blank)["faces_found"] == 1

    fields = {"external_id": "", "name": "", "metadata": "", "several_faces": ""}
    made = api.post(
        f"/v1/galleries/{staff}/identities",
        data=fields,
        files={"images": ("", b"", "application/octet-stream")},
    )
    assert made.status_code == 201, made.text
    assert (made.json()["external_id"], made.json()["name"], made.json()["metadata"]) == (None, None, {})
    path = f"/v1/galleries/{staff}/identities/{made.json()['id']}"
    assert "images" in assert_problem(api.post(f"{path}/faces", data={"images": ""}), 422)["detail"]
    assert "image" in assert_problem(api.post("/v1/detect", data={"image": ""}), 422)["detail"]
    assert api.delete(path).status_code == 204


def test_an_empty_file_is_a_picture_that_is_none(api: TestClient, staff: str) -> None:
    """It has a name: somebody meant to send it."""
    for answer in (
        api.post("/v1/detect", files=files("image", b"")),
        try_to_identify(api, staff, b""),
    ):
        assert answer.json()["code"] in {"unsupported_image_format", "unreadable_image"}


def test_a_compressed_body_is_415(api: TestClient, hopper: bytes) -> None:
    body = gzip.compress(json.dumps({"image": base64.b64encode(hopper).decode()}).encode())
    for path in ("/v1/detect", "/v1/galleries"):
        for coding in ("gzip", "GZIP", "br", "identity, gzip"):
            answer = api.post(path, content=body, headers=JSON | {"content-encoding": coding})
            assert "Content-Encoding" in assert_problem(answer, 415, "unsupported_content_type")["detail"]
    plain = json.dumps({"image": base64.b64encode(hopper).decode()})
    answer = api.post("/v1/detect", content=plain, headers=JSON | {"content-encoding": "identity"})
    assert answer.status_code == 200


def large_bodies() -> dict[str, bytes]:
    """Each below the limit of 8 MB."""
    return {
        "wrong elements": b'{"images": [' + b"1," * MILLION + b'1], "embedding": [' + b"{}," * 10 + b"{}]}",
        "wrong numbers": b'{"embedding": [' + b'"a",' * MILLION + b'"a"]}',
        "unknown keys": b"{" + b",".join(b'"%d":1' % n for n in range(600_000)) + b"}",
        "one key": b"{" + b'"a":1,' * MILLION + b'"a":1}',
        "lists": b'{"images": [' + b"[]," * MILLION + b"[]]}",
        "objects": b'{"metadata": {"a": [' + b"{}," * MILLION + b"{}]}}",
        "deep": b'{"metadata":' * 300_000,
        "deep lists": b"[" * 7_000_000,
        "a long number": b'{"max_faces": ' + b"9" * 7_000_000 + b"}",
        "long numbers": b'{"embedding": [' + b",".join([b"9" * 4000] * 1900) + b"]}",
        "a long name": b'{"name": "' + b"a" * 7_000_000 + b'"}',
        "a long key": b'{"' + b"a" * 7_000_000 + b'": 1}',
        "blanks": b" " * 7_000_000,
        "escapes": b'{"name": "' + b"\\u0000" * MILLION + b'"}',
    }


@pytest.mark.parametrize("kind", large_bodies())
def test_a_body_of_a_million_elements_is_rejected_by_every_route(
    api: TestClient, staff: str, kind: str
) -> None:
    """With twenty problems at most, and nothing is stored."""
    before = counts(api, staff)
    body = large_bodies()[kind]
    document = api.get("/openapi.json").json()
    sent = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "requestBody" in operation:
                filled = re.sub(r"\{\w+\}", str(uuid4()), path.replace("{gallery}", staff))
                problem = assert_problem(api.request(method, filled, content=body, headers=JSON))
                assert len(problem.get("problems", [])) <= 20
                assert len(json.dumps(problem)) < 20_000
                sent += 1
    assert sent >= 10
    assert counts(api, staff) == before


@pytest.mark.parametrize(
    "body",
    [
        b"&" * 7_000_000,
        b"a=&" * 2_000_000,
        b"=" * 7_000_000,
        b"%" * 7_000_000,
        b"image=" + b"%41" * 2_000_000,
    ],
    ids=["&", "fields", "=", "%", "escapes"],
)
def test_a_form_of_a_million_fields_is_rejected(api: TestClient, staff: str, body: bytes) -> None:
    before = counts(api, staff)
    for path in ("/v1/detect", f"/v1/galleries/{staff}/identities"):
        assert_problem(api.post(path, content=body, headers=URLENCODED))
    assert counts(api, staff) == before


@pytest.mark.parametrize(
    "unit",
    [b"\r\n", b"\r\n-", b"\r\n--", b"\r\n--boundar", b"\r", b"--", b"\r\n--boundarx\r\n"],
)
def test_what_looks_like_a_boundary_again_and_again_is_data(api: TestClient, unit: bytes) -> None:
    """Seven megabytes of it, taken apart in no time."""
    data = unit * (7_000_000 // len(unit))
    body = b'--boundary\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n' + data
    sent = {"content-type": "multipart/form-data; boundary=boundary"}
    answer = api.post("/v1/detect", content=body + b"\r\n--boundary--\r\n", headers=sent)
    assert answer.json()["code"] in {"unsupported_image_format", "unreadable_image"}
