"""Requests that contradict what is stored, or one another."""

import threading
from collections.abc import Callable
from uuid import uuid4

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
    try_to_enrol,
    try_to_identify,
)


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
