"""Whatever fields are sent: a clear refusal, never a 5xx, and nothing left behind."""

import base64
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.support.asking import (
    JSON,
    assert_problem,
    counts,
    try_to_enrol,
    try_to_identify,
)

DEEP = 900


WRONG_IDENTITIES: dict[str, dict[str, Any]] = {
    "external_id empty": {"external_id": ""},
    "external_id of 256": {"external_id": "x" * 256},
    "external_id of 10,000": {"external_id": "x" * 10_000},
    "external_id with NUL": {"external_id": "a\0b"},
    "name empty": {"name": ""},
    "name of 10,000": {"name": "x" * 10_000},
    "name with NUL": {"name": "Grace\0Hopper"},
    "name with half a surrogate pair": {"name": "\ud800"},
    "name a number": {"name": 5},
    "name a list": {"name": ["Grace"]},
    "metadata null": {"metadata": None},
    "metadata a list": {"metadata": [1, 2]},
    "metadata a number": {"metadata": 5},
    "metadata a text": {"metadata": "no JSON"},
    "metadata with NUL": {"metadata": {"a": "\0"}},
    "metadata with NUL in a key": {"metadata": {"a\0": 1}},
    "metadata with NUL behind a backslash": {"metadata": {"a": "\\\0"}},
    "metadata with half a surrogate pair": {"metadata": {"a": ["\udfff"]}},
    "metadata with half a surrogate pair in a key": {"metadata": {"\ud800": 1}},
    "metadata of a megabyte": {"metadata": {"a": "x" * 1_000_000}},
    "metadata of 16,385 bytes": {"metadata": {"a": "x" * (16_385 - 9)}},
    "an unknown field": {"nmae": "Grace"},
    "an unknown field with half a surrogate pair": {"\ud800": 1},
    "images no list": {"images": "abc"},
    "images a number": {"images": [5]},
    "images null": {"images": [None]},
    "images no base64": {"images": ["!!!"]},
    "images beyond ASCII": {"images": ["é"]},
    "images half a surrogate pair": {"images": ["\ud800"]},
    "too many images": {"images": [""] * 21},
    "several_faces another word": {"several_faces": "smallest"},
}


@pytest.mark.parametrize("body", WRONG_IDENTITIES.values(), ids=WRONG_IDENTITIES.keys())
def test_a_wrong_field_of_an_identity_is_refused(
    api: TestClient, staff: str, person: str, unchanged: None, body: dict[str, Any]
) -> None:
    """When it is made and, where the field can be changed, when it is changed."""
    sent = json.dumps(body)
    answer = api.post(f"/v1/galleries/{staff}/identities", content=sent, headers=JSON)
    assert_problem(answer, 422, "invalid_request")
    if body.keys() <= {"external_id", "name", "metadata"} and body != {"metadata": None}:
        assert_problem(api.patch(person, content=sent, headers=JSON), 422, "invalid_request")


@pytest.mark.parametrize(
    "metadata",
    [
        "no JSON",
        "{",
        "[1]",
        "null",
        '"text"',
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1e400}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a": "\\u0000"}',
        '{"a": "\\ud800"}',
        '{"a": "' + "x" * 100_000 + '"}',
        '{"a": "' + "x" * 1_100_000 + '"}',
        "[" * 100_000,
    ],
    ids=lambda value: value[:16] or "empty",
)
def test_metadata_that_is_no_json_object_is_refused_in_a_form(
    api: TestClient, staff: str, hopper: bytes, unchanged: None, metadata: str
) -> None:
    """Along with a good picture, which is not stored either."""
    assert_problem(try_to_enrol(api, staff, hopper, metadata=metadata))


@pytest.mark.parametrize(
    "metadata", ['{"a": NaN}', '{"a": Infinity}', '{"a": 1e400}', '{"a": 1' + "0" * 5000 + "}"]
)
def test_numbers_that_json_does_not_have_are_refused(
    api: TestClient, staff: str, person: str, unchanged: None, metadata: str
) -> None:
    body = '{"metadata": ' + metadata + "}"
    assert_problem(api.post(f"/v1/galleries/{staff}/identities", content=body, headers=JSON))
    assert_problem(api.patch(person, content=body, headers=JSON))


@pytest.mark.parametrize("depth", [30, 120, 260, 500, DEEP, 5000])
def test_nested_metadata_is_stored_and_read_back_or_refused(
    api: TestClient, gallery: str, depth: int
) -> None:
    """What is answered with 201 can be read; what is rejected leaves nothing, and harms no list."""
    nested = '{"a": ' + "[" * depth + "]" * depth + "}"
    identities = f"/v1/galleries/{gallery}/identities"
    stored = 0
    for answer in (
        api.post(identities, content='{"metadata": ' + nested + "}", headers=JSON),
        api.post(identities, data={"metadata": nested}),
    ):
        if answer.status_code == 201:
            stored += 1
            assert api.get(f"{identities}/{answer.json()['id']}").status_code == 200
        else:
            assert_problem(answer, 422)
    assert counts(api, gallery)[0] == stored
    assert api.get(identities).status_code == 200

    plain = api.post(identities, json={}).json()["id"]
    patched = api.patch(f"{identities}/{plain}", content='{"metadata": ' + nested + "}", headers=JSON)
    if patched.status_code != 200:
        assert_problem(patched)
    assert api.get(f"{identities}/{plain}").status_code == 200


@pytest.mark.parametrize("field", ["external_id", "name"])
@pytest.mark.parametrize("bad", ["\x01", "\x1b[2J", "\x7f", "\u202e", "\n", "\u2028"])
def test_text_that_a_terminal_or_a_log_would_obey_is_rejected(
    api: TestClient, gallery: str, field: str, bad: str
) -> None:
    answer = api.post(f"/v1/galleries/{gallery}/identities", json={field: f"Grace{bad}Hopper"})

    assert_problem(answer, 422)
    assert answer.json()["field"] == field


def test_an_external_id_is_one_however_its_letters_are_composed(api: TestClient, gallery: str) -> None:
    identities = f"/v1/galleries/{gallery}/identities"
    made = api.post(identities, json={"external_id": "e\u0301"}).json()

    again = api.post(identities, json={"external_id": "\u00e9"})

    assert made["external_id"] == "\u00e9"
    assert (again.status_code, again.json()["code"]) == (409, "external_id_taken")
    for form in ("e\u0301", "\u00e9"):
        found = api.get(identities, params={"external_id": form}).json()["identities"]
        assert [identity["id"] for identity in found] == [made["id"]]
    api.delete(f"{identities}/{made['id']}")


FINE_IDENTITIES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "longest": {"external_id": "x" * 255, "name": "é" * 255},
    "unicode": {"external_id": "社員-4711", "name": "Grace 👩‍🚀 Hopper", "metadata": {"ключ": "ערך\n\t"}},
    "quotes": {"external_id": "'; DROP TABLE face; --", "name": "<script>alert(1)</script> %s {0} \\"},
    "spaces": {"external_id": " ", "name": "\u00a0"},
    "empty metadata": {"metadata": {"": ""}},
    "metadata of 16,384 bytes": {"metadata": {"a": "x" * (16_384 - 9)}},
    "numbers": {"metadata": {"a": [0, -1, 1.5, 10**40, 1e-300, True, None]}},
    "a backslash before u0000": {"metadata": {"a": "\\u0000"}},
}


@pytest.mark.parametrize("fields", FINE_IDENTITIES.values(), ids=FINE_IDENTITIES.keys())
def test_odd_but_allowed_fields_come_back_as_they_were_sent(
    api: TestClient, gallery: str, fields: dict[str, Any]
) -> None:
    """As JSON and as a form; and the identity is found by its external_id."""
    identities = f"/v1/galleries/{gallery}/identities"
    made = api.post(identities, json=fields)
    assert made.status_code == 201, made.text
    got = api.get(f"{identities}/{made.json()['id']}").json()
    for name in ("external_id", "name", "metadata"):
        assert got[name] == fields.get(name, {} if name == "metadata" else None)
    if "external_id" in fields:
        found = api.get(identities, params={"external_id": fields["external_id"]}).json()
        assert [identity["id"] for identity in found["identities"]] == [got["id"]]
        api.delete(f"{identities}/{got['id']}")

    form = {k: json.dumps(v) if k == "metadata" else v for k, v in fields.items()}
    by_form = api.post(identities, data=form, files={"several_faces": (None, "reject")})
    assert by_form.status_code == 201, by_form.text
    for name in ("external_id", "name", "metadata"):
        assert by_form.json()[name] == got[name]


WRONG_NUMBERS = [
    ("max_faces", 0),
    ("max_faces", -1),
    ("max_faces", 51),
    ("max_faces", 10**30),
    ("max_faces", "many"),
    ("max_faces", ""),
    ("max_faces", 1.5),
    ("max_faces", "9" * 5000),
    ("max_candidates", 0),
    ("max_candidates", 101),
    ("max_candidates", "1; DROP TABLE face"),
    ("threshold", 2),
    ("threshold", -1.01),
    ("threshold", "NaN"),
    ("threshold", "Infinity"),
    ("threshold", "high"),
]


@pytest.mark.parametrize(("field", "value"), WRONG_NUMBERS, ids=lambda value: str(value)[:20])
def test_a_number_out_of_its_range_is_refused(
    api: TestClient, staff: str, hopper: bytes, unchanged: None, field: str, value: Any
) -> None:
    """In a form and in JSON, and the refusal names the field. Blank is absent in a form."""
    as_json = {"image": base64.b64encode(hopper).decode(), field: value}
    answers = [api.post(f"/v1/galleries/{staff}/identify", json=as_json)]
    if value != "":
        answers.append(try_to_identify(api, staff, hopper, **{field: value}))
    for answer in answers:
        assert field in assert_problem(answer, 422, "invalid_request")["detail"]


@pytest.mark.parametrize("threshold", ["NaN", "Infinity", "1e999"])
def test_a_threshold_that_is_no_number_is_refused_by_every_route(
    api: TestClient, staff: str, person: str, hopper: bytes, unchanged: None, threshold: str
) -> None:
    """JSON itself has no NaN, but Python's parser reads one."""
    image = base64.b64encode(hopper).decode()
    one = f'{{"image": "{image}", "threshold": {threshold}}}'
    two = f'{{"image_a": "{image}", "image_b": "{image}", "threshold": {threshold}}}'
    for path, body in (
        (f"/v1/galleries/{staff}/identify", one),
        (f"{person}/verify", one),
        ("/v1/verify", two),
    ):
        assert_problem(api.post(path, content=body, headers=JSON), 422)
