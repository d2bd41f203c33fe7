"""Every request that decodes a face can ask for attributes that the installation and the gallery permit."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.integration.imports.conftest import Importer
from tests.support.audit import last_number, rows_after
from tests.support.weights import attributes_mirror, needs_attributes

pytestmark = needs_attributes

STAFF = "/v1/galleries/staff"
IDENTITIES = f"{STAFF}/identities"
ASKED = {"attributes": ["expression"]}
LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def staff(database: Database, settings: Settings, tmp_path: Path) -> Iterator[TestClient]:
    """A gallery in an installation that permits expressions, and has their weights."""
    chosen = settings.model_copy(
        update={"model_mirror": str(attributes_mirror(tmp_path)), "attributes": "expression,age"}
    )
    with TestClient(create_app(chosen), raise_server_exceptions=False) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        yield client


def is_expression(attributes: dict[str, Any]) -> bool:
    """With a value, or without one but with what it was made from."""
    return list(attributes) == ["expression"] and len(attributes["expression"]["scores"]) == 7


def stream(client: TestClient, picture: bytes, query: str) -> Any:
    line = json.dumps({"image": base64.b64encode(picture).decode()})
    return client.post(f"{STAFF}/identify/stream{query}", content=line, headers=LINES)


def every_answer(client: TestClient, picture: bytes, body: dict[str, Any]) -> dict[str, Any]:
    """By request."""
    files = {"image": picture}
    created = client.post(IDENTITIES, files={"images": picture}, data={"external_id": "grace"} | body)
    person = created.json().get("id")
    if person is None:  # the requests below need somebody
        person = client.post(IDENTITIES, data={"external_id": "grace"}).json()["id"]
        client.post(f"{IDENTITIES}/{person}/faces", files={"images": picture}).raise_for_status()
    again, more = picture + b"\0", picture + b"\0\0"  # other files with the same pixels
    pair = {"image_a": picture, "image_b": picture}
    several = {"galleries": ["staff"]} | body
    names = ",".join(body.get("attributes", []))
    return {
        "enrol": created,
        "add": client.post(f"{IDENTITIES}/{person}/faces", files={"images": again}, data=body),
        "put": client.put(f"{IDENTITIES}/by-external-id/grace", files={"images": more}, data=body),
        "identify": client.post(f"{STAFF}/identify", files=files, data=body),
        "identify in several": client.post("/v1/identify", files=files, data=several),
        "stream": stream(client, picture, f"?attributes={names}" if names else ""),
        "verify": client.post("/v1/verify", files=pair, data=body),
        "verify identity": client.post(f"{IDENTITIES}/{person}/verify", files=files, data=body),
        "verify by external id": client.post(
            f"{IDENTITIES}/by-external-id/grace/verify", files=files, data=body
        ),
    }


def shown(name: str, answer: Any) -> list[dict[str, Any]]:
    """Attributes of the faces in an answer."""
    if name in ("enrol", "add", "put"):
        return list(answer.json()["attributes"].values())
    body = json.loads(answer.text.splitlines()[0])
    return [face["attributes"] for face in body["faces"]]


def test_every_request_answers_the_attributes_that_it_asks_for(staff: TestClient, hopper: bytes) -> None:
    for name, answer in every_answer(staff, hopper, ASKED).items():
        attributes = shown(name, answer)
        assert len(attributes) == (2 if name == "verify" else 1), (name, answer.text)
        assert all(map(is_expression, attributes)), name


def test_nothing_is_estimated_where_it_is_not_asked_for(staff: TestClient, hopper: bytes) -> None:
    for name, answer in every_answer(staff, hopper, {}).items():
        assert not any(shown(name, answer)), name
        assert "attributes" not in answer.text.partition("timings_ms")[2], name


def test_a_gallery_forbids_what_its_policy_does_not_name(staff: TestClient, hopper: bytes) -> None:
    changed = staff.patch(STAFF, json={"attributes": ["mask"]})
    assert changed.json()["attributes"] == ["mask"]
    answers = every_answer(staff, hopper, ASKED)
    no_gallery = answers.pop("verify")

    assert no_gallery.status_code == 200  # two pictures, and no gallery
    for name, answer in answers.items():
        assert (answer.status_code, answer.json()["code"]) == (403, "attribute_not_permitted"), name
        assert "gallery" in answer.json()["detail"]


def test_an_empty_list_forbids_all_and_null_permits_again(staff: TestClient, hopper: bytes) -> None:
    assert staff.get(STAFF).json()["attributes"] is None

    staff.patch(STAFF, json={"attributes": []}).raise_for_status()
    forbidden = staff.post(f"{STAFF}/identify", files={"image": hopper}, data=ASKED)
    staff.patch(STAFF, json={"attributes": None}).raise_for_status()
    permitted = staff.post(f"{STAFF}/identify", files={"image": hopper}, data=ASKED)

    assert (forbidden.status_code, permitted.status_code) == (403, 200)


def test_a_gallery_does_not_permit_more_than_the_installation(staff: TestClient, hopper: bytes) -> None:
    staff.post("/v1/galleries", json={"name": "open", "attributes": ["gender"]}).raise_for_status()
    answer = staff.post("/v1/galleries/open/identify", files={"image": hopper}, data={"attributes": "gender"})

    assert (answer.status_code, answer.json()["attribute"]) == (403, "gender")


def test_each_of_several_galleries_must_permit_an_attribute(staff: TestClient, hopper: bytes) -> None:
    staff.post("/v1/galleries", json={"name": "strict", "attributes": []}).raise_for_status()
    data = {"galleries": ["staff", "strict"]} | ASKED
    answer = staff.post("/v1/identify", files={"image": hopper}, data=data)

    assert answer.status_code == 403


@pytest.mark.parametrize("value", [["expression", "gender"], ["expression,gender"], ["expression , gender"]])
def test_a_form_repeats_the_field_or_separates_names_by_commas(
    staff: TestClient, hopper: bytes, value: list[str]
) -> None:
    answer = staff.post("/v1/detect", files={"image": hopper}, data={"attributes": value})

    assert (answer.status_code, answer.json()["attribute"]) == (403, "gender")


def test_a_name_twice_counts_once(staff: TestClient, hopper: bytes) -> None:
    answer = staff.post("/v1/detect", files={"image": hopper}, data={"attributes": "expression,expression"})

    assert is_expression(answer.json()["faces"][0]["attributes"])


def test_json_has_a_list(staff: TestClient, hopper: bytes) -> None:
    body = {"image": base64.b64encode(hopper).decode()} | ASKED
    answer = staff.post(f"{STAFF}/identify", json=body)

    assert is_expression(answer.json()["faces"][0]["attributes"])


@pytest.mark.parametrize("value", ["smile", "expression,smile"])
def test_an_attribute_that_does_not_exist_is_an_error(staff: TestClient, hopper: bytes, value: str) -> None:
    form = staff.post("/v1/detect", files={"image": hopper}, data={"attributes": value})
    query = stream(staff, hopper, f"?attributes={value}")

    assert (form.status_code, query.status_code) == (422, 422)
    assert "smile" in query.json()["detail"]


def test_permission_is_checked_before_a_picture_is_decoded(staff: TestClient) -> None:
    staff.patch(STAFF, json={"attributes": []}).raise_for_status()
    data = {"image": b"no picture"}
    by_gallery = staff.post(f"{STAFF}/identify", files=data, data=ASKED)
    by_installation = staff.post(f"{STAFF}/identify", files=data, data={"attributes": "mask"})

    assert (by_gallery.status_code, by_installation.status_code) == (403, 403)


def test_the_audit_record_names_the_attributes_of_each_request_and_nothing_that_was_estimated(
    staff: TestClient, database: Database, hopper: bytes
) -> None:
    before = last_number(database)
    answers = every_answer(staff, hopper, ASKED)
    estimates = {name: shown(name, answer)[0]["expression"] for name, answer in answers.items()}

    events = [json.loads(row["details"]) for row in rows_after(database, before)]

    assert len(events) == len(answers)
    for event in events:
        assert event["attributes"] == ["expression"], event
        for estimate in estimates.values():
            assert not set(estimate["scores"]) & set(json.dumps(event).split('"')), event


def test_an_import_shows_the_attributes_of_each_enrolled_face_until_the_face_is_deleted(
    staff: TestClient, hopper: bytes
) -> None:
    importer = Importer(client=staff)
    id = importer.create(attributes=["expression"])
    importer.send(id, {"grace/1.jpg": hopper, "grace/2.jpg": b"no picture", "ada/1.jpg": hopper + b"\0"})
    done = importer.finish(id)

    found = importer.files(id)
    person = found["grace/1.jpg"]["identity_id"]
    identity = f"/v1/galleries/{importer.gallery}/identities/{person}"
    [face] = staff.get(identity).json()["faces"]
    staff.delete(f"{identity}/faces/{face['id']}").raise_for_status()

    assert done["attributes"] == ["expression"]
    assert is_expression(found["grace/1.jpg"]["attributes"])
    assert found["grace/2.jpg"]["attributes"] == {}
    left = importer.files(id)
    assert left["grace/1.jpg"]["attributes"] == {}
    assert left["ada/1.jpg"]["attributes"] == found["ada/1.jpg"]["attributes"] != {}


@pytest.mark.parametrize("change", ["split", "move"])
def test_what_an_import_has_estimated_of_a_face_does_not_outlive_the_person_who_got_the_face(
    staff: TestClient, hopper: bytes, change: str
) -> None:
    importer = Importer(client=staff)
    id = importer.create(attributes=["expression"])
    importer.send(id, {"grace/1.jpg": hopper, "grace/2.jpg": hopper + b"\0"})
    importer.finish(id)
    people = f"/v1/galleries/{importer.gallery}/identities"
    person = importer.files(id)["grace/1.jpg"]["identity_id"]
    moved, kept = (face["id"] for face in staff.get(f"{people}/{person}").json()["faces"])
    if change == "split":
        answer = staff.post(f"{people}/{person}/split", json={"faces": [moved], "name": "Ada"})
        other = answer.raise_for_status().json()["other_id"]
    else:
        other = staff.post(people, data={"external_id": "ada"}).raise_for_status().json()["id"]
        staff.post(f"{people}/{person}/faces/{moved}/move", json={"to": other}).raise_for_status()
    staff.delete(f"{people}/{other}").raise_for_status()

    left = [file["attributes"] for file in importer.files(id).values()]

    assert kept != moved
    assert sorted(map(bool, left)) == [False, True]


def test_what_an_import_has_estimated_is_hidden_where_it_is_no_longer_permitted_and_deleted_by_the_policy(
    staff: TestClient, database: Database, hopper: bytes
) -> None:
    importer = Importer(client=staff)
    id = importer.create(attributes=["expression"])
    importer.send(id, {"grace/1.jpg": hopper})
    importer.finish(id)
    gallery = f"/v1/galleries/{importer.gallery}"

    def shown() -> Any:
        return importer.files(id)["grace/1.jpg"]["attributes"]

    def stored() -> Any:
        with database.reading() as session:
            return session.scalar(text("SELECT estimates FROM import_file"))

    staff.patch(gallery, json={"attributes": ["age", "expression"]}).raise_for_status()
    permitted = shown()
    with database.transaction() as session:  # by an older version, or by GEMEL_ATTRIBUTES
        session.execute(text("UPDATE gallery SET attributes = ARRAY['age']"))
    hidden, still_stored = shown(), stored()
    staff.patch(gallery, json={"attributes": ["age"]}).raise_for_status()

    assert is_expression(permitted)
    assert (hidden, list(still_stored)) == ({}, ["expression"])
    assert stored() is None
    staff.patch(gallery, json={"attributes": None}).raise_for_status()
    assert shown() == {}, "what was deleted does not come back"


@pytest.mark.parametrize("by_older_version", [False, True])
def test_what_is_made_of_a_forbidden_attribute_is_deleted_too(
    database: Database, settings: Settings, hopper: bytes, by_older_version: bool
) -> None:
    """A gender is made of what the network of the age says."""
    chosen = settings.model_copy(update={"attributes": "age,gender"})
    with TestClient(create_app(chosen)) as client:
        importer = Importer(client=client)
        id = importer.create(attributes=["gender", "age"])
        importer.send(id, {"grace/1.jpg": hopper})
        importer.finish(id)
        gallery = f"/v1/galleries/{importer.gallery}"

        def shown() -> list[str]:
            return sorted(importer.files(id)["grace/1.jpg"]["attributes"])

        before = shown()
        if by_older_version:
            with database.transaction() as session:
                session.execute(text("UPDATE gallery SET attributes = ARRAY['gender']"))
        else:
            client.patch(gallery, json={"attributes": ["gender"]}).raise_for_status()
        client.patch(gallery, json={"attributes": None}).raise_for_status()

        assert (before, shown()) == (["age", "gender"], [])
    with database.reading() as session:
        assert session.scalar(text("SELECT estimates FROM import_file")) is None


def test_an_import_estimates_nothing_that_is_not_permitted_or_of_people_without_names(
    staff: TestClient, hopper: bytes
) -> None:
    importer = Importer(client=staff)
    permitted = importer.create(attributes=["expression"])
    forbidden = staff.post(importer.path, json={"attributes": ["gender"]})
    unnamed = staff.post(importer.path, json={"attributes": ["expression"], "people_by": "nobody"})
    staff.patch(f"/v1/galleries/{importer.gallery}", json={"attributes": []}).raise_for_status()
    importer.send(permitted, {"grace/1.jpg": hopper})
    importer.finish(permitted)

    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "attribute_not_permitted")
    assert (unnamed.status_code, unnamed.json()["field"]) == (422, "attributes")
    file = importer.files(permitted)["grace/1.jpg"]
    assert (file["state"], file["attributes"]) == ("enrolled", {}), "by the policy as it is now"
