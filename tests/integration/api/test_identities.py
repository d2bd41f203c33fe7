"""Identities and their faces over HTTP: make, list, page, change, delete, and the crop."""

import io
from typing import Any
from uuid import UUID

import PIL.Image
import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from tests.support.asking import assert_problem, counts, enrol, files
from tests.support.audit import last_number

IDENTITIES = "/v1/galleries/staff/identities"


@pytest.fixture
def staff(client: TestClient) -> TestClient:
    """The service with one gallery, `staff`, that is empty."""
    assert client.post("/v1/galleries", json={"name": "staff"}).status_code == 201
    return client


def make(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer = client.post(IDENTITIES, json=fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def pages(client: TestClient, limit: int) -> list[list[str]]:
    """The external ids of every page, as a client that follows the cursors sees them."""
    seen: list[list[str]] = []
    cursor = None
    while True:
        params = {"limit": limit} | ({} if cursor is None else {"cursor": cursor})
        page = client.get(IDENTITIES, params=params).json()
        seen.append([identity["external_id"] for identity in page["identities"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return seen


def test_an_identity_is_made_read_and_deleted(staff: TestClient) -> None:
    made = make(staff, external_id="1", name="Grace", metadata={"a": {"b": [1, 2.5, None]}})
    assert UUID(made["id"]).version == 7
    assert made["faces"] == made["rejected"] == []

    got = staff.get(f"{IDENTITIES}/{made['id']}").json()
    assert got == {key: made[key] for key in got}
    assert counts(staff, "staff") == (1, 0, 0)

    assert staff.delete(f"{IDENTITIES}/{made['id']}").status_code == 204
    assert_problem(staff.get(f"{IDENTITIES}/{made['id']}"), 404, "identity_not_found")
    assert counts(staff, "staff")[0] == 0


def test_an_identity_of_another_gallery_is_not_there(staff: TestClient, hopper: bytes) -> None:
    """Its id alone opens no door."""
    staff.post("/v1/galleries", json={"name": "other"})
    identity = enrol(staff, "staff", hopper)
    path = f"/v1/galleries/other/identities/{identity['id']}"

    for answer in (
        staff.get(path),
        staff.patch(path, json={"name": "x"}),
        staff.delete(path),
        staff.get(f"{path}/faces"),
        staff.post(f"{path}/faces", files=files("images", hopper)),
        staff.post(f"{path}/verify", files=files("image", hopper)),
        staff.get(f"{path}/faces/{identity['faces'][0]['id']}/crop"),
        staff.delete(f"{path}/faces/{identity['faces'][0]['id']}"),
    ):
        assert_problem(answer, 404, "identity_not_found")
    assert counts(staff, "staff") == (1, 1, 1)


def test_pages_hold_everybody_once_in_the_order_of_their_making(staff: TestClient) -> None:
    """Whatever the size of a page, also where the last one is just full."""
    everybody = [make(staff, external_id=str(number))["external_id"] for number in range(24)]

    for limit in (1, 5, 8, 24, 25, 1000):
        seen = pages(staff, limit)
        assert [one for page in seen for one in page] == everybody
        assert all(len(page) == limit for page in seen[:-1])
        assert seen[-1]


def test_an_empty_gallery_has_one_empty_page(staff: TestClient) -> None:
    assert staff.get(IDENTITIES).json() == {"identities": [], "next_cursor": None, "total": None}


def test_a_cursor_outlives_the_identity_it_points_at_and_finds_new_ones(staff: TestClient) -> None:
    """Pages do not shift when somebody on an earlier one goes, nor miss whoever comes meanwhile."""
    ids = [make(staff, external_id=str(number))["id"] for number in range(6)]
    first = staff.get(IDENTITIES, params={"limit": 3}).json()
    for gone in ids[:3]:
        staff.delete(f"{IDENTITIES}/{gone}")
    make(staff, external_id="new")

    rest = staff.get(IDENTITIES, params={"cursor": first["next_cursor"]}).json()
    assert [identity["external_id"] for identity in rest["identities"]] == ["3", "4", "5", "new"]


def test_one_identity_is_listed_by_its_external_id(staff: TestClient, hopper: bytes) -> None:
    """With its faces; nobody where there is none; and it need not be typed as in a path."""
    make(staff, external_id="a")
    enrol(staff, "staff", hopper, external_id="b/ü&?#%")
    make(staff)

    page = staff.get(IDENTITIES, params={"external_id": "b/ü&?#%"}).json()
    assert [identity["external_id"] for identity in page["identities"]] == ["b/ü&?#%"]
    assert len(page["identities"][0]["faces"]) == 1
    assert page["next_cursor"] is None
    assert staff.get(IDENTITIES, params={"external_id": "A"}).json()["identities"] == []


def test_a_patch_changes_what_it_names_and_null_empties(staff: TestClient) -> None:
    made = make(staff, external_id="1", name="Grace", metadata={"a": 1, "b": 2})
    path = f"{IDENTITIES}/{made['id']}"

    def patched(body: dict[str, Any]) -> tuple[Any, Any, Any]:
        answer = staff.patch(path, json=body)
        assert answer.status_code == 200, answer.text
        assert staff.get(path).json() == answer.json()
        return answer.json()["external_id"], answer.json()["name"], answer.json()["metadata"]

    assert patched({}) == ("1", "Grace", {"a": 1, "b": 2})
    assert patched({"name": "Grace Hopper"}) == ("1", "Grace Hopper", {"a": 1, "b": 2})
    assert patched({"metadata": {"c": 3}}) == ("1", "Grace Hopper", {"c": 3})
    assert patched({"external_id": "2", "name": None}) == ("2", None, {"c": 3})
    assert patched({"external_id": "2"}) == ("2", None, {"c": 3})
    assert patched({"external_id": None, "metadata": None}) == (None, None, {})


def test_a_patch_tells_when_it_was(staff: TestClient) -> None:
    made = make(staff, name="Grace")
    changed = staff.patch(f"{IDENTITIES}/{made['id']}", json={"name": "Hopper"}).json()

    assert changed["created_at"] == made["created_at"]
    assert changed["updated_at"] > made["updated_at"]


def test_an_external_id_that_became_free_can_be_taken(staff: TestClient) -> None:
    first = make(staff, external_id="1")
    staff.patch(f"{IDENTITIES}/{first['id']}", json={"external_id": None})

    make(staff, external_id="1")


def test_any_number_of_identities_may_have_no_external_id(staff: TestClient) -> None:
    for _ in range(3):
        make(staff)
    assert counts(staff, "staff")[0] == 3


def test_a_patch_of_unknown_fields_changes_nothing(staff: TestClient) -> None:
    made = make(staff, name="Grace")
    answer = staff.patch(f"{IDENTITIES}/{made['id']}", json={"name": "x", "gallery": "other"})

    assert "gallery" in assert_problem(answer, 422, "invalid_request")["detail"]
    assert staff.get(f"{IDENTITIES}/{made['id']}").json()["name"] == "Grace"


def test_faces_are_listed_in_the_order_of_their_enrolment(
    staff: TestClient, hopper: bytes, collins: bytes
) -> None:
    """And the same faces are shown with the identity."""
    identity = enrol(staff, "staff", hopper)
    path = f"{IDENTITIES}/{identity['id']}"
    added = staff.post(f"{path}/faces", files=files("images", collins)).json()

    listed = staff.get(f"{path}/faces").json()["faces"]
    assert [face["id"] for face in listed] == [identity["faces"][0]["id"], added["faces"][0]["id"]]
    assert staff.get(path).json()["faces"] == listed
    assert added["change_number"] == 3, "the face, and the template of both"

    assert staff.delete(f"{path}/faces/{listed[0]['id']}").status_code == 204
    assert staff.get(f"{path}/faces").json()["faces"] == listed[1:]
    assert_problem(staff.delete(f"{path}/faces/{listed[0]['id']}"), 404, "face_not_found")
    assert counts(staff, "staff") == (1, 1, 5), "the face and the template, too"


def test_a_face_of_another_identity_is_not_there(staff: TestClient, hopper: bytes, collins: bytes) -> None:
    mine, other = enrol(staff, "staff", hopper), enrol(staff, "staff", collins)
    path = f"{IDENTITIES}/{mine['id']}/faces/{other['faces'][0]['id']}"

    assert_problem(staff.get(f"{path}/crop"), 404, "face_not_found")
    assert_problem(staff.delete(path), 404, "face_not_found")
    assert counts(staff, "staff") == (2, 2, 2)


def test_the_crop_is_a_jpeg_of_the_face(staff: TestClient, hopper: bytes) -> None:
    """Upright with a margin, good enough to be found and to be the same person; for nobody's cache but
    the client's."""
    identity = enrol(staff, "staff", hopper)
    answer = staff.get(f"{IDENTITIES}/{identity['id']}/faces/{identity['faces'][0]['id']}/crop")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"].startswith("private, ")
    with PIL.Image.open(io.BytesIO(answer.content)) as image:
        assert image.format == "JPEG"
        assert image.width == image.height > 112
    seen = staff.post("/v1/detect", files=files("image", answer.content)).json()
    assert seen["faces_found"] == 1
    same = staff.post(f"{IDENTITIES}/{identity['id']}/verify", files=files("image", answer.content))
    assert same.json()["matched"] is True


def test_a_small_crop_is_sent_once_and_then_confirmed(
    staff: TestClient, database: Database, hopper: bytes
) -> None:
    """A confirmation shows nobody a face, and is no event of the audit record."""
    identity = enrol(staff, "staff", hopper)
    url = f"{IDENTITIES}/{identity['id']}/faces/{identity['faces'][0]['id']}/crop"
    small = staff.get(url, params={"size": 96})
    with PIL.Image.open(io.BytesIO(small.content)) as image:
        assert (image.format, image.size) == ("JPEG", (96, 96))
    assert len(small.content) < len(staff.get(url).content) / 3

    before = last_number(database)
    confirmed = staff.get(url, params={"size": 96}, headers={"If-None-Match": small.headers["etag"]})
    assert (confirmed.status_code, confirmed.content) == (304, b"")
    assert last_number(database) == before
    other = staff.get(url, params={"size": 64}, headers={"If-None-Match": small.headers["etag"]})
    assert other.status_code == 200, "another size is another picture"
    staff.delete(url.removesuffix("/crop")).raise_for_status()
    gone = staff.get(url, params={"size": 96}, headers={"If-None-Match": small.headers["etag"]})
    assert_problem(gone, 404, "face_not_found")
    assert staff.get(url, params={"size": 100}).status_code == 422


def test_a_face_names_the_request_that_enrolled_it(staff: TestClient, hopper: bytes, collins: bytes) -> None:
    """Also after it was moved to another person."""
    made = staff.post(IDENTITIES, files=files("images", hopper), headers={"X-Request-Id": "enrol-1"}).json()
    url = f"{IDENTITIES}/{made['id']}"
    added = staff.post(f"{url}/faces", files=files("images", collins), headers={"X-Request-Id": "add-2"})
    faces = staff.get(f"{url}/faces").json()["faces"]

    assert [face["request_id"] for face in faces] == ["enrol-1", "add-2"]
    assert faces == [*made["faces"], *added.json()["faces"]] == staff.get(url).json()["faces"]
    events = [staff.get(f"/v1/audit/{face['audit_id']}").json() for face in faces]
    assert [event["action"] for event in events] == ["identity.enrolled", "face.enrolled"]
    for event, face in zip(events, faces, strict=True):
        assert [one["face_id"] for one in event["details"]["faces"]] == [face["id"]]
    staff.post(f"{url}/split", json={"faces": [faces[1]["id"]]}).raise_for_status()
    [_, split] = staff.get(IDENTITIES).json()["identities"]
    assert split["faces"] == [faces[1]]


def test_the_crop_goes_with_the_face(staff: TestClient, hopper: bytes) -> None:
    identity = enrol(staff, "staff", hopper)
    face = f"{IDENTITIES}/{identity['id']}/faces/{identity['faces'][0]['id']}"
    staff.delete(face)

    assert_problem(staff.get(f"{face}/crop"), 404, "face_not_found")
