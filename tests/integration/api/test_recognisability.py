"""With the quality network, answers say how often such a face is missed, and limits can be set on it."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from indexer.settings import Settings
from indexer.vision import degrade
from service.app import create_app
from tests.support.pictures import jpeg, pixels
from tests.support.weights import QUALITY, needs_lightqnet

pytestmark = needs_lightqnet

STAFF = "/v1/galleries/staff"
PEOPLE = f"{STAFF}/identities"


@pytest.fixture
def lenient(database: Database, settings: Settings) -> Iterator[TestClient]:
    """The service with the quality network and without the other limits."""
    chosen = settings.model_copy(
        update={"model_mirror": str(QUALITY), "min_sharpness": 0.0, "min_face_px": 0.0}
    )
    with TestClient(create_app(chosen), raise_server_exceptions=False) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        yield client


def enrol(client: TestClient, image: bytes, name: str = "Grace") -> Any:
    return client.post(PEOPLE, files={"images": image}, data={"name": name}).json()


def blurred(image: bytes, sigma_px: float) -> bytes:
    return jpeg(degrade.blur(pixels(image), sigma_px))


def test_every_answer_with_a_face_says_how_often_such_a_face_is_missed(
    lenient: TestClient, hopper: bytes
) -> None:
    enrolled = enrol(lenient, hopper)
    [detected] = lenient.post("/v1/detect", files={"image": hopper}).json()["faces"]
    [found] = lenient.post(f"{STAFF}/identify", files={"image": hopper}).json()["faces"]
    compared = lenient.post("/v1/verify", files={"image_a": hopper, "image_b": blurred(hopper, 5)}).json()
    [listed] = lenient.get(f"{PEOPLE}/{enrolled['id']}").json()["faces"]

    good = detected["quality"]
    assert good["recognisability"] > 0.58
    assert good["expected_miss_rate"] < 0.1
    for face in (enrolled["faces"][0], found, compared["faces"][0], listed):
        assert face["quality"] == pytest.approx(good)
    assert compared["faces"][1]["quality"]["expected_miss_rate"] > 3 * good["expected_miss_rate"]


def test_an_unrecognisable_face_is_not_enrolled_and_the_answer_says_why(
    lenient: TestClient, hopper: bytes
) -> None:
    answer = enrol(lenient, blurred(hopper, 12))

    [rejected] = answer["rejected"]
    assert rejected["code"] == "face_unrecognisable"
    assert rejected["measured"] > rejected["limit"] == Settings().max_miss_rate
    assert "this face is blurred" in rejected["message"]


def test_a_gallery_can_have_unrecognisable_faces_match_nobody(lenient: TestClient, hopper: bytes) -> None:
    enrol(lenient, hopper)
    bad = blurred(hopper, 5)

    def identify(image: bytes) -> tuple[str | None, bool]:
        answer = lenient.post(f"{STAFF}/identify", files={"image": image}, data={"threshold": -1})
        [face] = answer.json()["faces"]
        return face["unmatched_reason"], face["candidates"][0]["matched"]

    assert identify(bad) == (None, True), "no limit by default"

    changed = lenient.patch(STAFF, json={"max_match_miss_rate": 0.1}).json()

    assert changed["max_match_miss_rate"] == 0.1
    assert identify(bad) == ("face_unrecognisable", False)
    assert identify(hopper) == (None, True)
    assert lenient.patch(STAFF, json={"max_match_miss_rate": None}).json()["max_match_miss_rate"] is None
    assert identify(bad) == (None, True)


@pytest.mark.parametrize("value", [-0.1, 1.1, "much"])
def test_an_invalid_rate_is_rejected(lenient: TestClient, value: object) -> None:
    assert lenient.patch(STAFF, json={"max_match_miss_rate": value}).status_code == 422


def test_without_the_network_nothing_is_said_of_misses_and_no_limit_on_them_holds(
    client: TestClient, hopper: bytes
) -> None:
    client.post("/v1/galleries", json={"name": "staff", "max_match_miss_rate": 0.0}).raise_for_status()
    enrolled = enrol(client, hopper)
    [found] = client.post(f"{STAFF}/identify", files={"image": hopper}).json()["faces"]

    for face in (enrolled["faces"][0], found):
        assert face["quality"]["score"] > 80
        assert face["quality"]["recognisability"] is None
        assert face["quality"]["expected_miss_rate"] is None
    assert found["candidates"][0]["matched"]


def test_a_face_that_was_enrolled_without_the_network_has_no_recognisability_later(
    client: TestClient, settings: Settings, hopper: bytes
) -> None:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    person = enrol(client, hopper)["id"]

    with TestClient(create_app(settings.model_copy(update={"model_mirror": str(QUALITY)}))) as later:
        [face] = later.get(f"{PEOPLE}/{person}").json()["faces"]

    assert face["quality"]["recognisability"] is None
