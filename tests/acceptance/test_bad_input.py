"""Whatever is sent: a clear refusal or the right answer, never a 5xx, and nothing left behind."""

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import PIL.Image
import pytest
import uvicorn
from fastapi.testclient import TestClient
from httpx2 import Response

from indexer.settings import Settings
from service.app import create_app
from tests.support.asking import (
    assert_problem,
    counts,
    enrol,
    files,
    identify,
    matched_names,
    try_to_enrol,
    try_to_identify,
)
from tests.support.hostile import pictures as hostile_pictures
from tests.support.pictures import encoded, shared

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged pictures, as in service

JSON = {"content-type": "application/json"}
MULTIPART = {"content-type": "multipart/form-data; boundary=x"}


@pytest.fixture(scope="module")
def staff(api: TestClient, hopper: bytes) -> str:
    """A gallery with Grace Hopper in it, which no test here may change."""
    name = f"staff-{uuid4().hex}"
    api.post("/v1/galleries", json={"name": name})
    enrol(api, name, hopper, external_id="hopper", name="Hopper")
    return name


@pytest.fixture(scope="module")
def person(api: TestClient, staff: str) -> str:
    """The path of Grace Hopper."""
    [identity] = api.get(f"/v1/galleries/{staff}/identities").json()["identities"]
    return f"/v1/galleries/{staff}/identities/{identity['id']}"


@pytest.fixture
def unchanged(api: TestClient, staff: str, person: str) -> Iterator[None]:
    """Nothing that the test sends leaves a trace: as many galleries, identities, faces and changes."""

    def state() -> Any:
        return (
            counts(api, staff),
            [gallery["name"] for gallery in api.get("/v1/galleries").json()["galleries"]],
            api.get(person).json(),
        )

    before = state()
    yield
    assert state() == before


# Pictures


@pytest.mark.parametrize("kind", hostile_pictures.UNREADABLE)
def test_a_file_that_is_no_picture_is_refused(
    api: TestClient, staff: str, person: str, hopper: bytes, unchanged: None, kind: str
) -> None:
    """By detect, identify and both kinds of verify with one status and code; by enrolment with that
    code among the reasons."""
    make, status, code = hostile_pictures.UNREADABLE[kind]
    picture = make(hopper)

    problem = assert_problem(
        api.post("/v1/detect", files=files("image", picture)), status or None, code or None
    )
    assert problem["code"] in {"unsupported_image_format", "unreadable_image", "image_too_large"}
    status, code = problem["status"], problem["code"]
    assert_problem(try_to_identify(api, staff, picture), status, code)
    assert_problem(api.post(f"{person}/verify", files=files("image", picture)), status, code)
    pair = [*files("image_a", hopper), *files("image_b", picture)]
    assert_problem(api.post("/v1/verify", files=pair), status, code)
    as_json = {"images": [base64.b64encode(picture).decode()]}
    for rejected in (
        try_to_enrol(api, staff, picture, name="Bad"),
        api.post(f"/v1/galleries/{staff}/identities", json=as_json),
        api.post(f"{person}/faces", files=files("images", picture)),
    ):
        [reason] = assert_problem(rejected, 422, "nothing_enrolled")["rejected"]
        assert reason["code"] == code
        assert reason["message"]


@pytest.mark.parametrize("kind", hostile_pictures.READABLE)
def test_a_face_is_found_and_matched_in_every_kind_of_picture(
    api: TestClient, staff: str, hopper: bytes, unchanged: None, kind: str
) -> None:
    """Of an animation the first frame counts; 16 bits are scaled, not cut; where it is transparent
    the picture is white."""
    [reference] = identify(api, staff, hopper)["faces"]
    answer = identify(api, staff, hostile_pictures.READABLE[kind](hopper))
    [face] = answer["faces"]

    assert matched_names(face) == ["Hopper"]
    for side in ("x", "y", "width", "height"):
        assert face["box"][side] == pytest.approx(reference["box"][side], abs=10)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_same_face_is_found_and_matched_in_every_orientation(
    api: TestClient, staff: str, hopper: bytes, unchanged: None, format: str
) -> None:
    """All eight of EXIF: the box lies where it does in the upright picture, whose size is told."""
    [reference] = identify(api, staff, hopper)["faces"]
    for orientation in range(1, 9):
        picture = hostile_pictures.oriented(hopper, orientation, format)
        [face] = identify(api, staff, picture)["faces"]

        assert matched_names(face) == ["Hopper"], orientation
        for side in ("x", "y", "width", "height"):
            assert face["box"][side] == pytest.approx(reference["box"][side], abs=6), orientation
        for mark, point in face["landmarks"].items():
            assert point == pytest.approx(reference["landmarks"][mark], abs=6), orientation
    seen = api.post("/v1/detect", files=files("image", picture)).json()
    assert (seen["width_px"], seen["height_px"]) == (512, 600)


def test_an_orientation_that_does_not_exist_is_passed_over(
    api: TestClient, hopper: bytes, unchanged: None
) -> None:
    for orientation in (0, 9, 65_535):
        exif = PIL.Image.Exif()
        exif[0x0112] = orientation
        picture = encoded(hostile_pictures.opened(hopper), "JPEG", exif=exif)
        answer = api.post("/v1/detect", files=files("image", picture))

        assert answer.status_code == 200
        assert answer.json()["faces_found"] == 1


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (2, 2), (31, 31), (1, 5000), (5000, 1), (60_000, 1), (3, 20_000)]
)
def test_a_picture_of_an_odd_size_has_no_face(
    api: TestClient, staff: str, unchanged: None, width: int, height: int
) -> None:
    """A pixel, or a line of them, is a picture all the same."""
    picture = encoded(PIL.Image.new("RGB", (width, height), "red"), "PNG")
    answer = api.post("/v1/detect", files=files("image", picture))

    assert answer.status_code == 200, answer.text
    assert answer.json()["faces"] == []
    assert (answer.json()["width_px"], answer.json()["height_px"]) == (width, height)
    [reason] = assert_problem(try_to_enrol(api, staff, picture), 422, "nothing_enrolled")["rejected"]
    assert reason["code"] == "no_face_found"


def test_a_picture_that_is_too_large_is_refused_with_both_figures(
    api: TestClient, staff: str, unchanged: None
) -> None:
    """Measured pixels and the limit, by identify and among the reasons of an enrolment alike."""
    picture = hostile_pictures.png_header(10_000, 6_000)
    problem = assert_problem(try_to_identify(api, staff, picture), 413, "image_too_large")
    assert problem["limit"] == 50_000_000
    assert "60" in problem["detail"] or "10000" in problem["detail"]

    [reason] = assert_problem(try_to_enrol(api, staff, picture), 422)["rejected"]
    assert reason["measured"] == 60_000_000
    assert reason["limit"] == 50_000_000


def test_bytes_flipped_anywhere_never_break_the_service(
    api: TestClient, hopper: bytes, unchanged: None
) -> None:
    """Pictures of five kinds with a stretch overwritten, each at many places: 200 or a refusal."""
    small = hostile_pictures.opened(hopper).resize((128, 150))
    for format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
        picture = encoded(small, format)
        for at in [*range(0, 64, 8), *range(64, len(picture), max(1, len(picture) // 12))]:
            for junk in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
                damaged = picture[:at] + junk + picture[at + 4 :]
                answer = api.post("/v1/detect", files=files("image", damaged))
                if answer.status_code != 200:
                    assert_problem(answer)


HARD_INPUTS = {
    "16_bit_noise.tif": 200,
    "16bit.cropped.tif": 200,
    "broken.png": 415,
    "broken_data_stream.png": 422,
    "decompression_bomb.gif": 413,
    "decompression_bomb.ico": 415,
    "exif_gps.jpg": 200,
    "exif_typeerror.jpg": 200,
    "first_frame_transparency.gif": 200,
    "hopper.bmp": 200,
    "hopper.gif": 200,
    "hopper.tif": 200,
    "hopper.webp": 200,
    "hopper_16bit.pgm": 200,
    "hopper_bad_exif.jpg": 200,
    "hopper_float_dpi_2.tif": 200,
    "pil_sample_cmyk.jpg": 200,
    "transparent.png": 200,
    "truncated_image.png": 422,
    "truncated_jpeg.jpg": 200,  # of its end marker alone a byte is missing
}
"""Each file of the collection and the status it gets: 200 where it is a picture."""


@pytest.mark.parametrize("name", HARD_INPUTS)
def test_a_hard_input_is_decoded_or_refused(api: TestClient, staff: str, unchanged: None, name: str) -> None:
    """The faces of the small Hoppers are found; what is rejected is rejected with a reason."""
    picture = shared(f"data/hard-inputs/{name}").read_bytes()
    answer = api.post("/v1/detect", files=files("image", picture))

    assert answer.status_code == HARD_INPUTS[name], answer.text
    if answer.status_code != 200:
        assert_problem(answer)
    elif name.startswith("hopper") and name != "hopper_bad_exif.jpg":  # of which nobody is left
        assert answer.json()["faces_found"] == 1
        assert matched_names(identify(api, staff, picture)["faces"][0]) == ["Hopper"]


def test_every_hard_input_is_in_the_table() -> None:
    folder = shared("data/hard-inputs")
    assert {p.name for p in folder.iterdir() if p.suffix and p.is_file()} == set(HARD_INPUTS)


@pytest.mark.parametrize(("kind", "size"), [("Portrait", (1200, 1800)), ("Landscape", (1800, 1200))])
def test_pictures_of_all_orientations_are_turned_upright(
    api: TestClient, unchanged: None, kind: str, size: tuple[int, int]
) -> None:
    """Nine files that show the same upright, whatever way they are stored."""
    for orientation in range(9):
        picture = shared(f"data/hard-inputs/exif/{kind}_{orientation}.jpg").read_bytes()
        answer = api.post("/v1/detect", files=files("image", picture)).json()

        assert (answer["width_px"], answer["height_px"]) == size, orientation


# Fields

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


# Bodies


def test_a_wrong_field_name_is_refused_by_name(
    api: TestClient, staff: str, person: str, hopper: bytes, unchanged: None
) -> None:
    """`file` for `image`, `image` for `images`, and whatever else: both the field that is missing
    and the one that is unknown are told."""
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


# Names and ids


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


# Conflicts


def test_a_second_identity_of_one_external_id_is_409(
    api: TestClient, staff: str, hopper: bytes, collins: bytes, unchanged: None
) -> None:
    """With a picture and without; nothing of the second is stored."""
    for answer in (
        try_to_enrol(api, staff, collins, external_id="hopper"),
        try_to_enrol(api, staff, hopper, external_id="hopper"),
        api.post(f"/v1/galleries/{staff}/identities", json={"external_id": "hopper"}),
    ):
        assert_problem(answer, 409, "external_id_taken")


def test_one_external_id_in_two_galleries_is_fine(
    api: TestClient, person: str, gallery: str, hopper: bytes
) -> None:
    enrol(api, gallery, hopper, external_id="hopper")

    assert api.get(person).json()["external_id"] == "hopper"
    [other] = api.get(f"/v1/galleries/{gallery}/identities").json()["identities"]
    assert other["external_id"] == "hopper"


def test_an_external_id_cannot_be_changed_to_one_that_is_taken(api: TestClient, gallery: str) -> None:
    identities = f"/v1/galleries/{gallery}/identities"
    api.post(identities, json={"external_id": "1"})
    second = api.post(identities, json={"external_id": "2", "name": "Second"}).json()
    answer = api.patch(f"{identities}/{second['id']}", json={"external_id": "1", "name": "Changed"})

    assert_problem(answer, 409, "external_id_taken")
    assert api.get(f"{identities}/{second['id']}").json()["name"] == "Second"


def at_once(*asks: Callable[[], Response]) -> list[Response]:
    answers: list[Response] = []
    threads = [threading.Thread(target=lambda ask=ask: answers.append(ask())) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_requests_that_race_for_an_external_id_one_wins(
    api: TestClient, gallery: str, hopper: bytes
) -> None:
    """The others are 409, and there is one identity with one face."""
    answers = at_once(*[lambda: try_to_enrol(api, gallery, hopper, external_id="1")] * 6)

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409, "external_id_taken")
    assert counts(api, gallery) == (1, 1, 1)


def test_of_two_servers_that_race_for_an_external_id_one_wins(
    api: TestClient, service_settings: Settings, gallery: str, hopper: bytes
) -> None:
    with TestClient(create_app(service_settings), raise_server_exceptions=False) as second:
        answers = at_once(
            *[lambda: try_to_enrol(api, gallery, hopper, external_id="1")] * 2,
            *[lambda: try_to_enrol(second, gallery, hopper, external_id="1")] * 2,
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
        assert counts(second, gallery) == (1, 1, 1)
        assert identify(second, gallery, hopper)["gallery_size"] == 1


def test_of_requests_that_race_for_a_gallerys_name_one_wins(api: TestClient) -> None:
    name = f"race-{uuid4().hex}"
    answers = at_once(*[lambda: api.post("/v1/galleries", json={"name": name})] * 4)

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    api.delete(f"/v1/galleries/{name}")


def test_the_same_picture_added_twice_at_once_is_enrolled_once(
    api: TestClient, gallery: str, hopper: bytes
) -> None:
    identity = enrol(api, gallery, name="Hopper")
    path = f"/v1/galleries/{gallery}/identities/{identity['id']}/faces"
    answers = at_once(*[lambda: api.post(path, files=files("images", hopper))] * 4)

    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    assert counts(api, gallery) == (1, 1, 1)


def test_deletions_that_race_with_everything_else_leave_no_error(
    api: TestClient, gallery: str, hopper: bytes
) -> None:
    """Somebody asks and enrols while the gallery is deleted: done, or 404, and nothing worse."""
    enrol(api, gallery, hopper, name="Hopper")
    answers = at_once(
        *[lambda: try_to_identify(api, gallery, hopper)] * 3,
        *[lambda: try_to_enrol(api, gallery, hopper)] * 3,
        *[lambda: api.get(f"/v1/galleries/{gallery}/identities")] * 2,
        lambda: api.delete(f"/v1/galleries/{gallery}"),
        lambda: api.delete(f"/v1/galleries/{gallery}"),
    )
    for answer in answers:
        if answer.status_code not in (200, 201, 204):
            assert_problem(answer, 404, "gallery_not_found")
    assert_problem(try_to_identify(api, gallery, hopper), 404, "gallery_not_found")


# The size of an upload, over a real socket


@pytest.fixture(scope="module")
def address(service_settings: Settings) -> Iterator[tuple[str, int]]:
    """Where the service listens, as it does in earnest."""
    app = create_app(service_settings)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()
        server.should_exit = True
        thread.join()


def head(path: str, *headers: str) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: testserver",
        "Content-Type: multipart/form-data; boundary=x",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], dict[str, Any]]:
    with connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        headers = {}
        while line := file.readline().strip().decode():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, json.loads(file.read(int(headers["content-length"])))


def paths(staff: str) -> list[str]:
    return ["/v1/detect", f"/v1/galleries/{staff}/identities", "/v1/galleries"]


def test_an_upload_that_announces_too_much_is_refused_before_it_is_sent(
    address: tuple[str, int], staff: str, unchanged: None
) -> None:
    """50 MB by Content-Length: the answer is there though not one byte of the body was sent."""
    for path in paths(staff):
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head(path, "Content-Length: 50000000"))
            status, headers, problem = read_answer(connection)

        assert status == problem["status"] == 413
        assert headers["content-type"] == "application/problem+json"
        assert problem["code"] == "upload_too_large"
        assert problem["measured"] == 50_000_000
        assert problem["limit"] == 8_000_000


def test_an_upload_of_unknown_length_is_cut_off_at_the_limit(
    address: tuple[str, int], staff: str, unchanged: None
) -> None:
    """Chunked, without Content-Length: nine megabytes are sent and no end, and the answer is there."""
    start = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'
    for path in paths(staff):
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head(path, "Transfer-Encoding: chunked"))
            for block in (start, *[bytes(1_000_000)] * 9):
                connection.sendall(f"{len(block):x}\r\n".encode() + block + b"\r\n")
            status, headers, problem = read_answer(connection)

        assert status == problem["status"] == 413
        assert headers["content-type"] == "application/problem+json"
        assert problem["code"] == "upload_too_large"


def test_an_upload_that_breaks_off_leaves_nothing_and_the_service_goes_on(
    api: TestClient,
    address: tuple[str, int],
    staff: str,
    hopper: bytes,
    unchanged: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client hangs up in the middle: no error of the service's is logged for it."""
    start = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'
    for path in paths(staff):
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head(path, "Content-Length: 100000") + start + hopper[:10_000])
    for _ in range(3):
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head("/v1/detect", "Content-Length: 0"))
            status, _, _ = read_answer(connection)
        assert 400 <= status < 500
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_an_upload_at_the_limit_is_read(api: TestClient, hopper: bytes) -> None:
    """8 MB in all, most of it rubbish behind the picture."""
    picture = hopper + bytes(7_990_000 - len(hopper))
    assert api.post("/v1/detect", files=files("image", picture)).status_code == 200
    assert_problem(
        api.post("/v1/detect", files=files("image", picture + bytes(20_000))), 413, "upload_too_large"
    )


def test_a_content_length_that_is_no_length_breaks_nothing(api: TestClient, unchanged: None) -> None:
    """Servers other than ours may let such a header through."""
    for length in ("9" * 5000, "-5", "abc", "1e9", ""):
        answer = api.post("/v1/detect", content=b"x", headers={**MULTIPART, "content-length": length})
        assert_problem(answer)
