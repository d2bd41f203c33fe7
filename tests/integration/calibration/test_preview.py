"""A gallery's calibration as data, and what a policy would mean before it is set."""

from itertools import pairwise

import numpy as np
import pytest
from fastapi.testclient import TestClient

from benchmarks import face_vectors
from indexer.calibration.fitting import gallery as gallery_fitting
from indexer.calibration.fitting.measure import on_gallery
from indexer.records import calibrations, changes, galleries, models
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, identity_lists
from indexer.types import ChangeKind, Enrolment, PersonScore
from tests.support import strangers
from tests.support.asking import assert_problem

PATH = "/v1/galleries/staff"


@pytest.fixture
def staff(client: TestClient, database: Database) -> TestClient:
    """150 people; 60 of them have a second face, of which 6 resemble the first no more than a stranger."""
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    strangers.enrol(database, "staff", 150)
    others = face_vectors.strangers(6, 9)
    with database.transaction() as session:
        gallery = galleries.lock(session, galleries.get(session, "staff").id)
        number = {strangers.CARD.fingerprint: models.find(session, strangers.CARD.fingerprint) or 0}
        people = identity_lists.page(session, gallery.id, after=None, limit=60)
        keys = []
        for place, (person, vector) in enumerate(zip(people, face_vectors.gallery(60, 0), strict=True)):
            second = others[place] if place < 6 else vector + 0.4 * others[place % 6]
            enrolment = Enrolment(
                face=strangers.FACE,
                quality=strangers.QUALITY,
                vectors={strangers.CARD.fingerprint: (second / np.linalg.norm(second)).astype(np.float32)},
                image_sha256=(1000 + place).to_bytes(32, "big"),
                crop=None,
            )
            keys += [added.key for added in faces.add(session, person.id, [enrolment], number)]
        changes.append(session, gallery.id, ChangeKind.ENROL, keys)
    return client


def calibrate(database: Database) -> None:
    with database.reading() as session:
        gallery = galleries.get(session, "staff")
    assert gallery.model_id is not None
    score = PersonScore(gallery.person_score)
    found = on_gallery(database, gallery.id, gallery.model_id, strangers.CARD, score).curve
    with database.transaction() as session:
        calibrations.add(
            session,
            gallery_id=gallery.id,
            model_id=gallery.model_id,
            source="gallery",
            parameters=found.to_json(),
            person_score=score,
        )


def test_a_calibration_says_what_each_score_means_and_on_what_that_was_measured(
    staff: TestClient, database: Database
) -> None:
    by_card = staff.get(f"{PATH}/calibration").json()
    calibrate(database)
    own = staff.get(f"{PATH}/calibration").json()

    assert (by_card["calibration"], by_card["measured"]["on"]) == ("card", "card")
    assert by_card["measured"]["at"] is None
    assert by_card["policy"]["misses"]["source"] == "card"
    measured = own["measured"]
    assert (own["calibration"], measured["on"], measured["people"]) == ("gallery", "gallery", 150)
    assert (measured["people_with_several_faces"], own["faces"]) == (60, 210)
    for answer in (by_card, own):
        assert answer["model"] == strangers.CARD.fingerprint
        for before, after in pairwise(answer["curve"]):
            assert before["score"] < after["score"]
            assert before["fmr"]["rate"] >= after["fmr"]["rate"]
            assert before["fpir"]["rate"] >= after["fpir"]["rate"]
            assert before["misses"]["rate"] <= after["misses"]["rate"]
        for point in answer["curve"]:
            for rate in (point["fmr"], point["fpir"], point["misses"]):
                low, high = rate["interval"]
                assert 0 <= low <= rate["rate"] <= high <= 1
        assert [at["threshold"] for at in answer["growth"]] == sorted(
            at["threshold"] for at in answer["growth"]
        )
    assert own["policy"]["threshold"] == staff.get(PATH).json()["identification"]["threshold"]


def test_expected_misses_are_those_of_the_gallerys_own_people(staff: TestClient, database: Database) -> None:
    calibrate(database)

    misses = staff.get(f"{PATH}/calibration/preview?fpir=0.05").json()["misses"]

    assert (misses["source"], misses["people"]) == ("gallery", 60)
    assert misses["rate"] == pytest.approx(0.1, abs=0.02), "6 of 60 have a second face like a stranger's"
    low, high = misses["interval"]
    assert low < 0.06
    assert high > 0.18


def test_a_preview_says_what_a_policy_would_mean_and_changes_nothing(
    staff: TestClient, database: Database
) -> None:
    calibrate(database)
    before = staff.get(PATH).json()
    lax = staff.get(f"{PATH}/calibration/preview?fpir=0.1").json()
    strict = staff.get(f"{PATH}/calibration/preview", params={"fpir": 1e-6}).json()
    larger = staff.get(f"{PATH}/calibration/preview?fpir=0.1&faces=100000").json()
    after = staff.get(PATH).json()
    rejected = staff.patch(PATH, json={"identify_fpir": 1e-6})
    accepted = staff.patch(PATH, json={"identify_fpir": 0.1}).json()

    assert before == after
    assert (lax["supported"], strict["supported"], larger["supported"]) == (True, False, False)
    assert lax["threshold"] < strict["threshold"]
    assert lax["threshold"] < larger["threshold"]
    assert (lax["faces"], larger["faces"]) == (210, 100_000)
    assert lax["supported_up_to_faces"] >= 210
    assert_problem(rejected, 409, "policy_unsupported")
    assert strict["people_needed"] == rejected.json()["identities_needed"]
    assert accepted["identification"]["threshold"] == lax["threshold"]
    for nonsense in ("0", "1", "much", "nan"):
        assert_problem(staff.get(f"{PATH}/calibration/preview?fpir={nonsense}"), 422, "invalid_request")
    assert_problem(staff.get("/v1/galleries/nobody/calibration"), 404, "gallery_not_found")


def test_the_policies_to_choose_from_hold_the_present_one_and_are_previews(
    staff: TestClient, database: Database
) -> None:
    calibrate(database)
    staff.patch(PATH, json={"identify_fpir": 0.3}).raise_for_status()

    policies = staff.get(f"{PATH}/calibration").json()["policies"]
    at_another_size = staff.get(f"{PATH}/calibration?faces=5000").json()["policies"]

    rates = [policy["fpir"] for policy in policies]
    assert rates == sorted(rates, reverse=True)
    assert {0.3, 0.1, 0.01, 0.001} <= set(rates)
    assert policies[0] == staff.get(f"{PATH}/calibration/preview?fpir=0.3").json()
    assert {policy["faces"] for policy in at_another_size} == {5000}


def test_a_gallery_is_calibrated_over_the_api_as_by_the_command(
    staff: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = staff.post(f"{PATH}/calibration")
    shown = staff.get(f"{PATH}/calibration").json()
    calibrate(database)
    by_function = staff.get(f"{PATH}/calibration").json()
    monkeypatch.setattr(gallery_fitting, "MAX_FACES", 209)
    too_large = staff.post(f"{PATH}/calibration")

    assert made.status_code == 201, made.text
    assert made.json() == shown
    assert shown["measured"]["people"] == 150
    assert shown["policies"] == by_function["policies"]
    assert "gemel calibrate" in assert_problem(too_large, 409, "calibration_unsupported")["detail"]


def test_a_gallery_of_few_people_cannot_be_calibrated(client: TestClient, database: Database) -> None:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    nobody = assert_problem(client.post(f"{PATH}/calibration"), 409, "calibration_unsupported")
    strangers.enrol(database, "staff", 99)
    few = assert_problem(client.post(f"{PATH}/calibration"), 409, "calibration_unsupported")

    assert (nobody["measured"], few["measured"], few["limit"]) == (0, 99, 100)
    assert client.get(f"{PATH}/calibration").json()["calibration"] == "card"


def test_an_empty_gallery_has_the_calibration_of_its_models_card(client: TestClient) -> None:
    client.post("/v1/galleries", json={"name": "empty"}).raise_for_status()

    answer = client.get("/v1/galleries/empty/calibration").json()

    assert (answer["calibration"], answer["faces"]) == ("card", 0)
    assert len(answer["curve"]) > 50
