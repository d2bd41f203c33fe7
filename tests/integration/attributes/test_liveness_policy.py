"""A gallery may look for prints and screens: report them, or let them match nobody and not be enrolled."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import text

from indexer.errors import AttributeUnavailable
from indexer.imports.claim import claim
from indexer.imports.enrol import enrol as enrol_claimed
from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.integration.imports.conftest import Importer
from tests.support.audit import last_number, rows_after
from tests.support.home import wait_for
from tests.support.pictures import SHARED
from tests.support.weights import attributes_mirror, needs_liveness

pytestmark = needs_liveness

PERSON = SHARED / "data" / "presentation" / "real" / "31.jpg"
SCREEN = SHARED / "data" / "presentation" / "fake" / "177.jpg"
STAFF = "/v1/galleries/staff"
IDENTITIES = f"{STAFF}/identities"

Open = Callable[..., TestClient]


@pytest.fixture
def opened(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Open]:
    """Services that share the database, with the weights or without."""
    mirror = str(attributes_mirror(tmp_path))

    with ExitStack() as stack:

        def open_service(*, weights: bool = True, attributes: str = "liveness", **more: Any) -> TestClient:
            chosen = settings.model_copy(
                update={"model_mirror": mirror if weights else None, "attributes": attributes} | more
            )
            return stack.enter_context(TestClient(create_app(chosen), raise_server_exceptions=False))

        yield open_service


@pytest.fixture
def client(opened: Open) -> TestClient:
    return opened()


def gallery(client: TestClient, policy: str, **more: Any) -> None:
    client.post("/v1/galleries", json={"name": "staff", "liveness": policy} | more).raise_for_status()


def enrol(client: TestClient, picture: bytes) -> Any:
    return client.post(IDENTITIES, files={"images": picture}, data={"external_id": "him"})


def identify(client: TestClient, picture: bytes) -> Any:
    answer = client.post(f"{STAFF}/identify", files={"image": picture}).raise_for_status().json()
    return answer["faces"][0]


def too_small(picture: bytes) -> bytes:
    """The same picture with a face of 30 pixels."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    reduced, file = image.resize((30, 40)), io.BytesIO()
    wide = Image.new("RGB", (160, 160), (120, 130, 140))
    wide.paste(reduced, (65, 60))
    wide.save(file, "PNG")
    return file.getvalue()


def test_reject_lets_a_screen_match_nobody_and_a_person_match(client: TestClient) -> None:
    gallery(client, "reject")
    enrol(client, PERSON.read_bytes()).raise_for_status()

    person, screen = identify(client, PERSON.read_bytes()), identify(client, SCREEN.read_bytes())

    assert (person["unmatched_reason"], person["candidates"][0]["matched"]) == (None, True)
    assert (screen["unmatched_reason"], screen["candidates"][0]["matched"]) == ("not_live", False)
    assert screen["attributes"]["liveness"]["value"] == "attack"


def test_reject_matches_nobody_where_the_face_cannot_be_judged(client: TestClient) -> None:
    gallery(client, "reject")
    enrol(client, PERSON.read_bytes()).raise_for_status()

    face = identify(client, too_small(PERSON.read_bytes()))

    assert face["attributes"]["liveness"]["cannot_tell"] == "too_small"
    assert (face["unmatched_reason"], face["candidates"][0]["matched"]) == ("liveness_unclear", False)


def test_report_says_it_in_the_answer_and_changes_nothing_else(client: TestClient) -> None:
    gallery(client, "report")
    enrolled = enrol(client, SCREEN.read_bytes())
    face = identify(client, SCREEN.read_bytes())

    [attributes] = enrolled.json()["attributes"].values()
    assert attributes["liveness"]["value"] == face["attributes"]["liveness"]["value"] == "attack"
    assert (face["unmatched_reason"], face["candidates"][0]["matched"]) == (None, True)


def test_off_estimates_nothing(client: TestClient) -> None:
    gallery(client, "off")
    enrol(client, SCREEN.read_bytes()).raise_for_status()

    assert identify(client, SCREEN.read_bytes())["attributes"] == {}


def test_reject_enrols_no_screen(client: TestClient) -> None:
    gallery(client, "reject")

    rejected = enrol(client, SCREEN.read_bytes())

    assert rejected.status_code == 422
    [picture] = rejected.json()["rejected"]
    assert picture["code"] == "not_live"
    assert "print or a screen" in picture["message"]
    assert client.get(IDENTITIES).json()["identities"] == []


def test_a_screen_takes_its_person_away_from_no_other_face(client: TestClient) -> None:
    """A person beside a screen that shows him, where each person is a candidate of one face only."""
    gallery(client, "off")
    enrol(client, SCREEN.read_bytes()).raise_for_status()  # so that the screen has the higher score
    client.patch(STAFF, json={"liveness": "reject"}).raise_for_status()
    person, screen = (Image.open(picture).convert("RGB") for picture in (PERSON, SCREEN))
    both, file = Image.new("RGB", (person.width + screen.width, person.height), (90, 100, 95)), io.BytesIO()
    both.paste(person, (0, 0))
    both.paste(screen, (person.width, 0))
    both.save(file, "PNG")

    data = {"max_faces": 2, "unique_identities": True}
    answer = client.post(f"{STAFF}/identify", files={"image": file.getvalue()}, data=data)

    first, second = answer.raise_for_status().json()["faces"]
    assert (first["unmatched_reason"], second["unmatched_reason"]) == (None, "not_live")
    assert [candidate["matched"] for candidate in first["candidates"]] == [True]
    assert second["candidates"] == []


def test_a_comparison_with_an_identity_follows_the_gallery(client: TestClient) -> None:
    gallery(client, "reject")
    person = enrol(client, PERSON.read_bytes()).json()["id"]

    answer = client.post(f"{IDENTITIES}/{person}/verify", files={"image": SCREEN.read_bytes()}).json()

    assert (answer["matched"], answer["unmatched_reason"]) == (False, "not_live")
    assert answer["score"] >= answer["threshold"]


def test_a_comparison_of_two_pictures_follows_the_request(client: TestClient) -> None:
    pair = {"image_a": PERSON.read_bytes(), "image_b": SCREEN.read_bytes()}

    def verify(policy: str) -> Any:
        return client.post("/v1/verify", files=pair, data={"liveness": policy}).raise_for_status().json()

    assert (verify("off")["matched"], verify("off")["faces"][1]["attributes"]) == (True, {})
    assert verify("report")["matched"] is True
    assert verify("report")["faces"][1]["attributes"]["liveness"]["value"] == "attack"
    assert (verify("reject")["matched"], verify("reject")["unmatched_reason"]) == (False, "not_live")


def test_the_record_of_a_pair_says_which_of_the_two_was_rejected(client: TestClient) -> None:
    pair = {"image_a": PERSON.read_bytes(), "image_b": SCREEN.read_bytes()}
    answer = client.post("/v1/verify", files=pair, data={"liveness": "reject"}).raise_for_status().json()

    explained = client.get(f"/v1/audit/{answer['audit_id']}/explain").raise_for_status().json()

    assert [face["unmatched_reason"] for face in explained["faces"]] == [None, "not_live"]
    [sentence] = explained["faces"][0]["sentences"]
    assert "no match, whatever the score" in sentence
    assert "the face of the second photograph looked like a print or a screen" in sentence


def test_each_of_several_galleries_follows_its_own_policy(client: TestClient) -> None:
    gallery(client, "reject")
    client.post("/v1/galleries", json={"name": "guests"}).raise_for_status()
    enrol(client, PERSON.read_bytes()).raise_for_status()
    client.post("/v1/galleries/guests/identities", files={"images": PERSON.read_bytes()}).raise_for_status()

    data = {"galleries": ["staff", "guests"]}
    answer = client.post("/v1/identify", files={"image": SCREEN.read_bytes()}, data=data).json()

    found = {one["gallery"]: one["unmatched_reason"] for one in answer["faces"][0]["candidates"]}
    assert found == {"staff": "not_live", "guests": None}


def test_a_screen_leaves_no_visitor(client: TestClient) -> None:
    gallery(client, "reject", remember_unknown=True)

    assert identify(client, SCREEN.read_bytes())["visitor"] is None
    assert identify(client, PERSON.read_bytes())["visitor"]["outcome"] == "new"


def test_the_policy_cannot_be_set_without_the_weights(opened: Open) -> None:
    client = opened(weights=False)
    gallery(client, "off")

    changed = client.patch(STAFF, json={"liveness": "reject"})
    created = client.post("/v1/galleries", json={"name": "guests", "liveness": "report"})

    assert [(one.status_code, one.json()["code"]) for one in (changed, created)] == [
        (409, "attribute_unavailable")
    ] * 2
    assert client.get(STAFF).json()["liveness"] == "off"


def test_the_policy_cannot_be_set_where_the_installation_does_not_permit_it(opened: Open) -> None:
    client = opened(attributes="pose")
    gallery(client, "off")

    assert client.patch(STAFF, json={"liveness": "reject"}).json()["code"] == "attribute_not_permitted"


def test_a_process_without_the_weights_answers_no_search_of_such_a_gallery(opened: Open) -> None:
    gallery(opened(), "reject")
    without = opened(weights=False)

    for answer in (
        without.post(f"{STAFF}/identify", files={"image": PERSON.read_bytes()}),
        enrol(without, PERSON.read_bytes()),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "attribute_unavailable")


def test_the_policy_is_recorded_when_it_changes_and_when_it_rejects(client: TestClient) -> None:
    gallery(client, "off")
    enrol(client, PERSON.read_bytes()).raise_for_status()
    client.patch(STAFF, json={"liveness": "reject"}).raise_for_status()
    identify(client, SCREEN.read_bytes())

    events = client.get("/v1/audit").json()["events"]

    change = next(event for event in events if event["action"] == "gallery.changed")
    search = next(event for event in events if event["action"] == "search.identified")
    assert change["details"] == {"liveness": ["off", "reject"]}
    assert "not_live" in json.dumps(search["details"])


def test_the_verdict_is_recorded_of_every_face_that_the_policy_judges(
    client: TestClient, database: Database
) -> None:
    gallery(client, "report")
    before = last_number(database)
    person = enrol(client, SCREEN.read_bytes()).raise_for_status().json()["id"]
    identify(client, PERSON.read_bytes())
    client.post(f"{IDENTITIES}/{person}/verify", files={"image": SCREEN.read_bytes()}).raise_for_status()
    identify(client, too_small(PERSON.read_bytes()))

    judged = [json.loads(row["details"]) for row in rows_after(database, before)]

    verdicts = [face["liveness"] for details in judged for face in details["faces"]]
    assert verdicts == ["attack", "live", "attack", "cannot_tell"]
    assert not any("attributes" in details for details in judged), "no request has asked for any"


@pytest.mark.parametrize("people_by", ["folder", "nobody"])
def test_an_import_takes_in_the_person_and_no_screen(client: TestClient, people_by: str) -> None:
    importer = Importer(client=client)
    client.patch(f"/v1/galleries/{importer.gallery}", json={"liveness": "reject"}).raise_for_status()
    id = importer.create(people_by=people_by)
    importer.send(id, {"him/person.jpg": PERSON.read_bytes(), "him/screen.jpg": SCREEN.read_bytes()})

    importer.finish(id)

    assert importer.outcomes(id) == {
        "him/person.jpg": ("enrolled", None),
        "him/screen.jpg": ("rejected", "not_live"),
    }


def test_an_import_keeps_no_estimate_that_only_the_policy_needs(client: TestClient) -> None:
    importer = Importer(client=client)
    client.patch(f"/v1/galleries/{importer.gallery}", json={"liveness": "report"}).raise_for_status()
    id = importer.create()
    importer.send(id, {"him/1.jpg": PERSON.read_bytes()})
    importer.finish(id)

    file = importer.files(id)["him/1.jpg"]

    assert (file["state"], file["attributes"]) == ("enrolled", {})


@pytest.mark.parametrize("people_by", ["folder", "nobody"])
def test_files_that_a_process_holds_when_the_policy_comes_wait_for_one_with_the_weights(
    opened: Open, people_by: str
) -> None:
    """A process without them enrols none, and claims no more."""
    client, without = opened(import_threads=0), opened(weights=False, import_threads=0)
    importer = Importer(client=client)
    id = importer.create(people_by=people_by)
    importer.send(id, {"him/person.jpg": PERSON.read_bytes()})
    engine = cast(FastAPI, without.app).state.engine
    claimed = claim(engine, UUID(id), "without", at_most=16, max_bytes=10**8)
    assert claimed is not None
    client.patch(f"/v1/galleries/{importer.gallery}", json={"liveness": "reject"}).raise_for_status()

    with pytest.raises(AttributeUnavailable):
        enrol_claimed(engine, claimed, check=lambda: None, observe=lambda *_: None)

    assert importer.outcomes(id) == {"him/person.jpg": ("waiting", None)}
    assert claim(engine, UUID(id), "without", at_most=16, max_bytes=10**8) is None


def test_an_import_says_which_weights_a_lone_server_lacks_and_continues_when_they_are_there(
    opened: Open, database: Database
) -> None:
    with_weights = opened(import_threads=0)
    importer = Importer(client=with_weights)
    with_weights.patch(f"/v1/galleries/{importer.gallery}", json={"liveness": "reject"}).raise_for_status()
    id = importer.create()
    importer.send(id, {"him/person.jpg": PERSON.read_bytes()})
    importer.act(id, "finish")

    opened(weights=False, import_threads=1)
    wait_for(lambda: importer.get(id)["waits_for"], 30)
    waiting, row = importer.get(id), job_row(database, id)
    other = Importer(client=with_weights)
    done = other.create()
    other.send(done, {"him/person.jpg": PERSON.read_bytes()})
    other.finish(done)

    assert "gemel models fetch minifasnet" in waiting["waits_for"]
    assert waiting["waits_for"] in waiting["summary"]
    assert (waiting["state"], waiting["counts"]["waiting"]) == ("enrolling", 1)
    findings = {each["code"]: each for each in with_weights.get("/v1/doctor").json()["findings"]}
    assert "minifasnet" in findings["import_waits"]["text"]
    assert job_row(database, id) == row, "the turns since then have written nothing"
    opened(import_threads=1)
    wait_for(lambda: importer.get(id)["state"] == "done", 30)
    assert importer.get(id)["waits_for"] is None
    assert importer.outcomes(id) == {"him/person.jpg": ("enrolled", None)}


def job_row(database: Database, import_id: str) -> Any:
    """The version of the import's row, and how often its file was claimed."""
    query = text(
        "SELECT import_job.xmin::text, attempts FROM import_job"
        " JOIN import_file ON import_file.import_id = import_job.id WHERE import_job.id = :id"
    )
    with database.reading() as session:
        return tuple(session.execute(query, {"id": import_id}).one())
