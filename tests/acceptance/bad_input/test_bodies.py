"""Whatever body is sent: a clear refusal, never a 5xx, and nothing left behind."""

import base64

import pytest
from fastapi.testclient import TestClient

from tests.support.asking import (
    JSON,
    MULTIPART,
    assert_problem,
    counts,
    files,
)


def test_a_wrong_field_name_is_refused_by_name(
    api: TestClient, staff: str, person: str, hopper: bytes, unchanged: None
) -> None:
    """`file` for `image`, `image` for `images`, and whatever else: both the field that is missing
    and the one that is unknown are named."""
    for path, field in (
        (f"/v1/galleries/{staff}/identify", "file"),
        ("/v1/detect", "images"),
        ("/v1/verify", "image"),
        (f"{person}/verify", "images"),
        (f"{person}/faces", "image"),
        (f"/v1/galleries/{staff}/identities", "image"),
    ):
        problem = assert_problem(api.post(path, files=files(field, hopper)), 422, "invalid_request")
        assert field in problem["detail"]


def test_a_field_that_is_sent_twice_is_refused(
    api: TestClient, staff: str, hopper: bytes, unchanged: None
) -> None:
    """Rather than one of the two taken silently."""
    twice = api.post(f"/v1/galleries/{staff}/identify", files=files("image", hopper, hopper))
    assert "image" in assert_problem(twice, 422, "invalid_request")["detail"]
    names = api.post(
        f"/v1/galleries/{staff}/identities",
        data={"name": ["Grace", "Eileen"]},
        files=files("images", hopper),
    )
    assert "name" in assert_problem(names, 422, "invalid_request")["detail"]


def test_a_field_that_is_missing_is_named(
    api: TestClient, staff: str, person: str, hopper: bytes, unchanged: None
) -> None:
    for path, sent, missing in (
        ("/v1/detect", {}, "image"),
        ("/v1/verify", {"image_a": base64.b64encode(hopper).decode()}, "image_b"),
        (f"/v1/galleries/{staff}/identify", {"max_faces": 1}, "image"),
        (f"{person}/faces", {}, "images"),
        (f"{person}/faces", {"images": []}, "images"),
        ("/v1/galleries", {}, "name"),
    ):
        problem = assert_problem(api.post(path, json=sent), 422, "invalid_request")
        assert missing in problem["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nothing",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"\xff\xfe\xfd",
        b'{"name": "a",}',
        b'{"name": "\xff"}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"\\ud800": 1}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_body_that_is_no_json_object_is_refused_by_every_route(
    api: TestClient, staff: str, person: str, unchanged: None, body: bytes
) -> None:
    for method, path in (
        ("POST", "/v1/galleries"),
        ("POST", f"/v1/galleries/{staff}/identities"),
        ("POST", f"{person}/faces"),
        ("POST", f"{person}/verify"),
        ("PATCH", person),
        ("POST", f"/v1/galleries/{staff}/identify"),
        ("POST", "/v1/verify"),
        ("POST", "/v1/detect"),
    ):
        assert_problem(api.request(method, path, content=body, headers=JSON))


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "image/jpeg", "application/octet-stream", "x", ";", "é"]
)
def test_a_body_of_another_content_type_is_refused(
    api: TestClient, staff: str, person: str, hopper: bytes, unchanged: None, kind: str | None
) -> None:
    """The bare picture, as some clients send it, among them."""
    headers = {} if kind is None else {b"content-type": kind.encode()}
    for path in (
        "/v1/detect",
        f"/v1/galleries/{staff}/identify",
        f"/v1/galleries/{staff}/identities",
        f"{person}/faces",
    ):
        for body in (hopper, b""):
            answer = api.post(path, content=body, headers=headers)
            assert_problem(answer, 415, "unsupported_content_type")
    assert_problem(api.post("/v1/galleries", content=b'{"name": "a"}', headers=headers))


PART = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nGrace'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no multipart", id="text"),
        pytest.param(b"--y\r\n", id="another boundary"),
        pytest.param(PART, id="cut off in a part"),
        pytest.param(PART[:30], id="cut off in a header"),
        pytest.param(PART + b"\r\n--x", id="cut off in the boundary"),
        pytest.param(b"--x\r\nContent Disposition\r\n\r\na\r\n--x--\r\n", id="a header that is none"),
        pytest.param(b"--x\r\nA: b\r\n\r\na\r\n--x--\r\n", id="no Content-Disposition"),
        pytest.param(
            b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--\r\n", id="a part without a name"
        ),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name="\xff\xfe"\r\n\r\n\xff\r\n--x--\r\n',
            id="a name beyond UTF-8",
        ),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name=""\r\n\r\na\r\n--x--\r\n', id="an empty name"
        ),
    ],
)
def test_a_broken_form_is_refused(api: TestClient, staff: str, unchanged: None, body: bytes) -> None:
    """A form that ends before its end may have lost a picture: nothing of it is stored."""
    for path in ("/v1/detect", f"/v1/galleries/{staff}/identities", f"/v1/galleries/{staff}/identify"):
        assert_problem(api.post(path, content=body, headers=MULTIPART))


@pytest.mark.parametrize(
    "charset", ["undefined", "punycode", "idna", "utf-7", "hex", "unicode_escape", "\0", ""]
)
def test_a_strange_charset_of_a_form_breaks_nothing(api: TestClient, gallery: str, charset: str) -> None:
    """Python knows codecs that are no charsets."""
    body = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\\ud800\xff\r\n--x--\r\n'
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    answer = api.post(
        f"/v1/galleries/{gallery}/identities", content=body, headers={b"content-type": kind.encode()}
    )
    if answer.status_code != 201:
        assert_problem(answer)
        assert counts(api, gallery) == (0, 0, 0)


def test_a_form_without_a_boundary_is_refused(api: TestClient, unchanged: None) -> None:
    for kind in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=" + "y" * 9999,
    ):
        assert_problem(api.post("/v1/detect", content=PART, headers={"content-type": kind}))


def test_a_form_of_very_many_fields_is_refused(api: TestClient, staff: str, unchanged: None) -> None:
    fields = [("images", (f"{i}.jpg", b"", "image/jpeg")) for i in range(1100)]
    assert_problem(api.post(f"/v1/galleries/{staff}/identities", files=fields))
    assert_problem(api.post(f"/v1/galleries/{staff}/identities", data={f"f{i}": "" for i in range(1100)}))
