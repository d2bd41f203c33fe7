"""Many photographs are identified in one request: a line for each, whatever becomes of the others."""

import base64
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from indexer.settings import Settings
from service.app import create_app

STREAM = "/v1/galleries/staff/identify/stream"
LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture(autouse=True)
def gallery(client: TestClient, hopper: bytes) -> None:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    client.post(
        "/v1/galleries/staff/identities", data={"external_id": "grace"}, files=[("images", hopper)]
    ).raise_for_status()


def encoded(picture: bytes) -> str:
    return base64.b64encode(picture).decode()


def body(lines: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def answers(client: TestClient, data: bytes, query: str = "") -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """In the order of the lines of the request; and the last line."""
    answer = client.post(STREAM + query, content=data, headers=LINES)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    *lines, last = [json.loads(line) for line in answer.text.splitlines()]
    return sorted(lines, key=lambda line: line["line"]), last


def test_each_picture_has_the_answer_of_a_request_of_its_own(
    client: TestClient, hopper: bytes, collins: bytes
) -> None:
    pictures = {"h": hopper, "c": collins}
    single = {
        name: client.post("/v1/galleries/staff/identify", files={"image": picture}).json()
        for name, picture in pictures.items()
    }

    lines, last = answers(
        client, body({"id": name, "image": encoded(picture)} for name, picture in pictures.items())
    )

    assert last == {"done": True, "lines": 2, "failed": 0}
    changing = {"audit_id", "timings_ms"}
    for number, (name, line) in enumerate(zip(pictures, lines, strict=True), start=1):
        assert (line.pop("line"), line.pop("id")) == (number, name)
        assert line.keys() == single[name].keys()
        assert {key: line[key] for key in line.keys() - changing} == {
            key: single[name][key] for key in single[name].keys() - changing
        }
        assert line["change_number"] == 1


def test_a_line_that_fails_has_a_problem_and_ends_nothing(client: TestClient, hopper: bytes) -> None:
    image = encoded(hopper)
    bad: list[tuple[bytes, Any, str]] = [
        (b"no json", None, "invalid_request"),
        (b"[1, 2]", None, "invalid_request"),
        (b'{"id": "x"}', "x", "invalid_request"),
        (b'{"id": 7, "image": "?"}', 7, "invalid_request"),
        (json.dumps({"id": "odd", "image": image, "colour": 1}).encode(), "odd", "invalid_request"),
        (json.dumps({"id": "t", "image": encoded(b"text")}).encode(), "t", "unsupported_image_format"),
        (
            json.dumps({"id": "b", "image": image, "box": [9000, 0, 50, 50]}).encode(),
            "b",
            "face_place_unusable",
        ),
        (json.dumps({"id": ["list"], "image": image}).encode(), None, "invalid_request"),
    ]
    good = json.dumps({"id": "good", "image": image}).encode()

    lines, last = answers(client, b"\n".join([good, *(line for line, _, _ in bad), good]))

    assert last == {"done": True, "lines": len(bad) + 2, "failed": len(bad)}
    first, *failed, final = lines
    assert [line["faces"][0]["candidates"][0]["matched"] for line in (first, final)] == [True, True]
    assert [(line["id"], line["code"]) for line in failed] == [(name, code) for _, name, code in bad]
    assert all(400 <= line["status"] < 500 and line["detail"] for line in failed)


def test_blank_lines_and_other_line_ends_are_no_pictures(client: TestClient, hopper: bytes) -> None:
    line = json.dumps({"image": encoded(hopper)}).encode()

    lines, last = answers(client, b"\n\r\n  \n" + line + b"\r\n\n" + line)

    assert [line["line"] for line in lines] == [4, 6]
    assert last == {"done": True, "lines": 2, "failed": 0}


def test_an_empty_request_has_an_answer_for_nothing(client: TestClient) -> None:
    assert answers(client, b"") == ([], {"done": True, "lines": 0, "failed": 0})


def test_the_options_of_identify_hold_for_each_picture(client: TestClient, hopper: bytes) -> None:
    lines, _ = answers(client, body([{"image": encoded(hopper)}] * 2), "?threshold=1&max_candidates=1")

    assert [line["threshold"] for line in lines] == [1, 1]
    assert client.post(f"{STREAM}?max_faces=100000", headers=LINES).status_code == 422
    assert client.post(f"{STREAM}?colour=1", headers=LINES).status_code == 422


def test_a_stream_is_searched_among_some_people_and_shows_their_metadata(
    client: TestClient, hopper: bytes, collins: bytes
) -> None:
    client.post(
        "/v1/galleries/staff/identities",
        data={"external_id": "eileen", "metadata": '{"site": "A"}'},
        files=[("images", collins)],
    ).raise_for_status()
    only_a, pictures = '{"metadata":{"site":"A"}}', body({"image": encoded(p)} for p in (hopper, collins))

    lines, _ = answers(client, pictures, f"?filter={quote(only_a)}&include=metadata")
    without, _ = answers(client, pictures)

    found = [line["faces"][0]["candidates"] for line in lines]
    assert [[one["identity"]["external_id"] for one in candidates] for candidates in found] == [
        ["eileen"],
        ["eileen"],
    ]
    assert [line["faces_searched"] for line in lines] == [1, 1]
    assert found[1][0]["metadata"] == {"site": "A"}
    assert {len(line["faces"][0]["candidates"]) for line in without} == {2}


def test_the_filter_of_a_line_takes_the_place_of_that_of_the_request(
    client: TestClient, hopper: bytes
) -> None:
    picture, only_grace = encoded(hopper), quote('{"external_ids":["grace"]}')
    lines, last = answers(
        client,
        body(
            [
                {"image": picture},
                {"image": picture, "filter": {"external_ids": ["nobody"]}},
                {"image": picture, "filter": {}},
                {"id": "d", "image": picture, "filter": {"colour": 1}},
            ]
        ),
        f"?filter={only_grace}",
    )

    assert [line["faces_searched"] for line in lines[:3]] == [1, 0, 1]
    assert (lines[3]["id"], lines[3]["code"], lines[3]["status"]) == ("d", "invalid_filter", 422)
    assert last == {"done": True, "lines": 4, "failed": 1}


@pytest.mark.parametrize("query", ["filter=site", "filter=[]", "filter={%22colour%22:1}", "filter="])
def test_a_stream_whose_filter_cannot_be_read_does_not_begin(client: TestClient, query: str) -> None:
    answer = client.post(f"{STREAM}?{query}", content=b"", headers=LINES)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_filter")


def test_a_request_that_cannot_start_is_a_problem(client: TestClient, hopper: bytes) -> None:
    other = client.post("/v1/galleries/nobody/identify/stream", content=b"", headers=LINES)
    as_json = client.post(STREAM, json={"image": encoded(hopper)})

    assert (other.status_code, other.json()["code"]) == (404, "gallery_not_found")
    assert (as_json.status_code, as_json.json()["code"]) == (415, "unsupported_content_type")


def test_each_picture_has_its_event_in_the_audit_record(client: TestClient, hopper: bytes) -> None:
    lines, _ = answers(client, body([{"image": encoded(hopper)}] * 3))

    events = client.get("/v1/audit", params={"action": "search.identified"}).json()["events"]
    assert len({line["audit_id"] for line in lines} & {event["id"] for event in events}) == 3


def test_a_line_beyond_the_limit_fails_alone(client: TestClient, settings: Settings, hopper: bytes) -> None:
    small = settings.model_copy(update={"max_upload_mb": 0.2})
    line = json.dumps({"id": "good", "image": encoded(hopper)}).encode()
    with TestClient(create_app(small), raise_server_exceptions=False) as limited:
        lines, last = answers(limited, b'{"image": "' + b"A" * 300_000 + b'"}\n' + line)

    assert [(one["line"], one["id"], one.get("code")) for one in lines] == [
        (1, None, "upload_too_large"),
        (2, "good", None),
    ]
    assert last == {"done": True, "lines": 2, "failed": 1}
