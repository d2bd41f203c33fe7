"""People by the ids that clients have for them: find, make or change, delete."""

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from tests.support.asking import assert_problem, counts, files
from tests.support.pictures import jpeg, pixels

IDENTITIES = "/v1/galleries/staff/identities"


def by(external_id: str) -> str:
    return f"{IDENTITIES}/by-external-id/{quote(external_id, safe='')}"


@pytest.fixture
def staff(client: TestClient) -> TestClient:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    return client


@pytest.mark.parametrize(
    "external_id",
    [
        *("4711", "a/b", "/", "a/", "faces", "x/verify", "..a", "b/ü&?#%", "50%", "a b", "a+b"),
        *("ID:1;v=2", "山田", "🦊", "\ufffd", "x" * 255, "by-external-id", "'; DROP TABLE face"),
        *("a\\b", "{x}"),
    ],
)
def test_any_id_is_put_read_changed_and_deleted(staff: TestClient, external_id: str) -> None:
    """However it has to be escaped, it is the one that everything else shows."""
    made = staff.put(by(external_id), json={"name": "Grace"})
    assert made.status_code == 201, made.text
    assert made.json()["external_id"] == external_id

    got = staff.get(by(external_id)).json()
    assert got == staff.get(f"{IDENTITIES}/{got['id']}").json()
    listed = staff.get(IDENTITIES, params={"external_id": external_id}).json()["identities"]
    assert [one["id"] for one in listed] == [got["id"]]
    assert staff.patch(by(external_id), json={"name": "Hopper"}).json()["name"] == "Hopper"
    assert staff.delete(by(external_id)).status_code == 204
    assert_problem(staff.get(by(external_id)), 404, "identity_not_found")
    assert_problem(staff.delete(by(external_id)), 404, "identity_not_found")
    assert_problem(staff.patch(by(external_id), json={}), 404, "identity_not_found")


@pytest.mark.parametrize("path", ["", "%00", "%FF", "a%C3", "x" * 256, "%ED%A0%80"])
def test_an_invalid_external_id_is_422(staff: TestClient, path: str) -> None:
    url = f"{IDENTITIES}/by-external-id/{path}"

    for answer in (staff.put(url, json={}), staff.get(url), staff.delete(url)):
        assert assert_problem(answer, 422)["field"] == "external_id"
    assert counts(staff, "staff")[0] == 0


def test_a_put_that_is_repeated_changes_nothing(staff: TestClient, hopper: bytes) -> None:
    """The same answer but for what is said of new faces; and not even the time of the change."""
    body = {"name": "Grace", "metadata": '{"a": 1}'}
    first = staff.put(by("4711"), data=body, files=files("images", hopper))
    assert first.status_code == 201, first.text
    again = staff.put(by("4711"), data=body, files=files("images", hopper))
    assert again.status_code == 200, again.text

    assert [one["code"] for one in again.json()["rejected"]] == ["duplicate_image"]
    assert again.json()["landmark_sources"] == {}
    of_new_faces = {"rejected": [], "landmark_sources": first.json()["landmark_sources"]}
    assert again.json() | of_new_faces == first.json()
    assert counts(staff, "staff") == (1, 1, 1)


def test_a_put_changes_what_it_names_and_adds_photographs(
    staff: TestClient, hopper: bytes, collins: bytes
) -> None:
    staff.put(by("1"), data={"name": "Grace", "metadata": '{"a": 1}'}, files=files("images", hopper))

    def put(body: dict[str, Any]) -> tuple[Any, Any]:
        answer = staff.put(by("1"), json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["name"], answer.json()["metadata"]

    assert put({}) == ("Grace", {"a": 1})
    assert put({"name": "Hopper"}) == ("Hopper", {"a": 1})
    assert put({"metadata": {"b": 2}}) == ("Hopper", {"b": 2})
    assert put({"name": None, "metadata": None}) == (None, {})

    smaller = jpeg(pixels(hopper)[::2, ::2])
    added = staff.put(by("1"), files=files("images", hopper, smaller))
    assert len(added.json()["faces"]) == 2
    assert [one["code"] for one in added.json()["rejected"]] == ["duplicate_image"]


def test_a_put_whose_pictures_do_not_pass_stores_nothing(
    staff: TestClient, nobody: bytes, hopper: bytes
) -> None:
    assert_problem(
        staff.put(by("1"), data={"name": "x"}, files=files("images", nobody)), 422, "nothing_enrolled"
    )
    assert counts(staff, "staff") == (0, 0, 0)

    staff.put(by("1"), data={"name": "Grace"}, files=files("images", hopper)).raise_for_status()
    both = staff.put(by("1"), data={"name": "x"}, files=files("images", hopper, nobody))
    assert_problem(both, 422, "nothing_enrolled")
    assert staff.get(by("1")).json()["name"] == "Grace"


def test_a_person_is_verified_and_gets_faces_by_external_id(
    staff: TestClient, hopper: bytes, collins: bytes
) -> None:
    staff.put(by("a/b"), files=files("images", hopper)).raise_for_status()

    assert staff.post(f"{by('a/b')}/verify", files=files("image", hopper)).json()["matched"] is True
    assert staff.post(f"{by('a/b')}/verify", files=files("image", collins)).json()["matched"] is False
    added = staff.post(f"{by('a/b')}/faces", files=files("images", jpeg(pixels(hopper)[::2, ::2])))
    assert added.status_code == 201, added.text
    for what, field in (("verify", "image"), ("faces", "images")):
        answer = staff.post(f"{by('nobody')}/{what}", files=files(field, hopper))
        assert_problem(answer, 404, "identity_not_found")


def test_a_missing_gallery_is_404(staff: TestClient) -> None:
    path = "/v1/galleries/other/identities/by-external-id/1"

    for answer in (staff.get(path), staff.put(path, json={}), staff.delete(path)):
        assert_problem(answer, 404, "gallery_not_found")


def at_once(*asks: Callable[[], Response]) -> list[Response]:
    answers: list[Response] = []
    barrier = threading.Barrier(len(asks))

    def run(ask: Callable[[], Response]) -> None:
        barrier.wait()
        answers.append(ask())

    threads = [threading.Thread(target=run, args=(ask,)) for ask in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_concurrent_puts_one_creates_the_person_and_none_fails(staff: TestClient, hopper: bytes) -> None:
    for number in range(3):
        answers = at_once(
            *[lambda: staff.put(by(str(number)), files=files("images", hopper))] * 4  # noqa: B023
        )

        assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
        assert len({answer.json()["id"] for answer in answers}) == 1
    assert counts(staff, "staff") == (3, 3, 3)


def test_concurrent_puts_and_deletions_give_no_error(staff: TestClient) -> None:
    for _ in range(5):
        answers = at_once(
            *[lambda: staff.put(by("1"), json={"name": "Grace"})] * 3, *[lambda: staff.delete(by("1"))] * 3
        )

        assert {answer.status_code for answer in answers} <= {200, 201, 204, 404}
    assert counts(staff, "staff")[0] <= 1
