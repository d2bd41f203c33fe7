"""A gallery keeps the FPIR of its policy, or a policy is rejected with the reason."""

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from benchmarks import face_vectors
from indexer.calibration.active import of_card
from indexer.calibration.fitting.disputed import disputed_matches
from indexer.calibration.fitting.measure import on_gallery
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.embedding.catalog import dlib_resnet
from indexer.errors import CalibrationUnsupported
from indexer.records import calibrations, galleries, models, reindexes
from indexer.records.database.session import Database
from indexer.records.tables import Embedding, Face, Identity
from indexer.reindex import control, switch
from indexer.reindex import plan as plans
from indexer.reindex.worker import Worker
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.types import PersonScore
from indexer.usecases.bootstrap import open_pipeline_factory
from service.app import create_app
from tests.support import strangers
from tests.support.asking import assert_problem
from tests.support.home import Home

PATH = "/v1/galleries/staff"
NEW = dlib_resnet(mirror=True)


@pytest.fixture
def staff(client: TestClient, database: Database) -> TestClient:
    """300 people, and a policy that so many support."""
    client.post("/v1/galleries", json={"name": "staff", "identify_fpir": 0.05}).raise_for_status()
    strangers.enrol(database, "staff", 300)
    return client


def calibrate(database: Database, *, for_model: bool = False) -> MeasuredCurve:
    with database.reading() as session:
        gallery = galleries.get(session, "staff")
    assert gallery.model_id is not None
    score = PersonScore(gallery.person_score)
    found = on_gallery(database, gallery.id, gallery.model_id, strangers.CARD, score).curve
    with database.transaction() as session:
        calibrations.add(
            session,
            gallery_id=None if for_model else gallery.id,
            model_id=gallery.model_id,
            source="gallery",
            parameters=found.to_json(),
            person_score=score,
        )
    return found


def search(client: TestClient, seed: int = 0, **fields: Any) -> Any:
    probe = face_vectors.strangers(1, seed)[0].astype(float).tolist()
    answer = client.post(f"{PATH}/search", json={"embedding": probe} | fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_answer_says_what_its_threshold_means_and_which_calibration_says_so(
    staff: TestClient, database: Database
) -> None:
    by_card = search(staff)
    general = calibrate(database, for_model=True)
    by_model = search(staff)
    own = calibrate(database)
    by_gallery = search(staff)

    assert [a["calibration"] for a in (by_card, by_model, by_gallery)] == ["card", "model", "gallery"]
    low, high = by_card["estimated_fpir_interval"]
    assert low < 0.05 < high < 0.15, "the range of the sets that the card was measured on"
    assert by_card["estimated_fpir"] == pytest.approx(0.05, rel=0.01)
    for answer, curve in ((by_model, general), (by_gallery, own)):
        assert (answer["gallery_size"], answer["fpir"], answer["fpir_trusted"]) == (300, 0.05, True)
        assert answer["threshold"] == pytest.approx(curve.threshold(0.05, 300), abs=1e-4)
        low, high = answer["estimated_fpir_interval"]
        assert low < answer["estimated_fpir"] < high
        assert answer["estimated_fpir"] == pytest.approx(0.05, rel=0.01)


def test_the_fpir_of_a_callers_own_threshold_is_estimated(staff: TestClient, database: Database) -> None:
    calibrate(database)

    lax, strict = search(staff, threshold=0.3), search(staff, threshold=0.9)

    assert (lax["threshold"], strict["threshold"]) == (0.3, 0.9)
    assert lax["estimated_fpir"] > 0.5
    assert strict["estimated_fpir"] < 1e-6
    assert (lax["fpir_trusted"], strict["fpir_trusted"]) == (True, False)


def test_a_policy_is_accepted_and_its_threshold_rises_as_people_are_enrolled(
    staff: TestClient, database: Database
) -> None:
    calibrate(database)
    strict = staff.patch(PATH, json={"identify_fpir": 0.06}).json()
    before = search(staff)
    strangers.enrol(database, "staff", 700, seed=1)
    after = search(staff)
    shown = staff.get(PATH).json()
    settings_rule = staff.patch(PATH, json={"identify_fpir": None}).json()

    assert strict["identify_fpir"] == strict["identification"]["fpir"] == 0.06
    assert before["threshold"] == pytest.approx(strict["identification"]["threshold"], abs=1e-6)
    assert (before["gallery_size"], after["gallery_size"]) == (300, 1000)
    assert after["threshold"] > before["threshold"]
    assert before["estimated_fpir"] == pytest.approx(after["estimated_fpir"]) == pytest.approx(0.06)
    assert shown["identification"]["threshold"] == after["threshold"]
    assert shown["identification"]["supported_up_to_faces"] > 300
    assert (settings_rule["identify_fpir"], settings_rule["identification"]["fpir"]) == (None, 0.01)


def test_a_policy_that_the_data_do_not_support_is_rejected_with_the_reason(
    staff: TestClient, database: Database
) -> None:
    by_card = staff.patch(PATH, json={"identify_fpir": 0.001})
    found = calibrate(database)
    rejected = staff.patch(PATH, json={"identify_fpir": 1e-5})

    assert_problem(by_card, 409, "policy_unsupported")
    assert by_card.json()["calibration"] == "card"
    assert_problem(rejected, 409, "policy_unsupported")
    problem = rejected.json()
    assert (problem["requested"], problem["gallery_size"], problem["calibration"]) == (1e-5, 300, "gallery")
    assert problem["supported"] == pytest.approx(found.least_fpir(300), rel=0.01)
    assert problem["identities_needed"] > 300
    assert "gemel calibrate" in problem["detail"]
    assert staff.get(PATH).json()["identify_fpir"] == 0.05
    for nonsense in (0, 1, -0.1, "much"):
        assert_problem(staff.patch(PATH, json={"identify_fpir": nonsense}), 422, "invalid_request")
    assert staff.patch(PATH, json={}).json()["identify_fpir"] == 0.05, "a field that is not sent stays"


def test_a_gallery_can_be_created_with_a_policy(client: TestClient) -> None:
    made = client.post("/v1/galleries", json={"name": "staff", "identify_fpir": 0.001})
    rejected = client.post("/v1/galleries", json={"name": "never", "identify_fpir": 1e-6})

    assert (made.status_code, made.json()["identify_fpir"]) == (201, 0.001)
    assert client.get(PATH).json() == made.json()
    assert_problem(rejected, 409, "policy_unsupported")
    assert_problem(client.get("/v1/galleries/never"), 404, "gallery_not_found")


def test_a_gallery_that_outgrows_its_calibration_still_answers_and_says_so(
    staff: TestClient, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    found = calibrate(database)
    fpir = found.least_fpir(300) * 1.01
    staff.patch(PATH, json={"identify_fpir": fpir}).raise_for_status()
    assert search(staff)["fpir_trusted"]
    strangers.enrol(database, "staff", 3000, seed=1)

    with caplog.at_level(logging.WARNING, "indexer"):
        answers = [search(staff, seed) for seed in range(3)]

    assert not any(answer["fpir_trusted"] for answer in answers)
    assert all(answer["estimated_fpir"] == pytest.approx(fpir, rel=0.01) for answer in answers)
    assert sum("outgrown" in record.message for record in caplog.records) == 1
    assert staff.get(PATH).json()["identification"]["fpir_trusted"] is False
    calibrate(database)
    assert search(staff)["fpir_trusted"]


@pytest.fixture
def two_processes(database: Database, settings: Settings) -> Iterator[tuple[TestClient, TestClient]]:
    """Two engines that share nothing but PostgreSQL."""
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(
                TestClient(create_app(settings.model_copy(update={"home": settings.home / name})))
            )
            for name in ("one", "other")
        )
        one.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        strangers.enrol(database, "staff", 200)
        yield one, other


def test_another_process_uses_a_new_calibration_and_policy_at_once(
    two_processes: tuple[TestClient, TestClient], database: Database
) -> None:
    one, other = two_processes
    for seed in range(3):
        assert search(other, seed)["calibration"] == ("gallery" if seed else "card")
        calibrate(database)
        fpir = 0.2 / (seed + 1)
        one.patch(PATH, json={"identify_fpir": fpir}).raise_for_status()

        answer = search(other, seed)

        assert (answer["calibration"], answer["fpir"]) == ("gallery", fpir)
        assert answer == search(one, seed) | {key: answer[key] for key in ("timings_ms", "audit_id")}


def test_somebody_enrolled_twice_is_reported_by_name_external_id_and_face(
    client: TestClient, database: Database
) -> None:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    strangers.enrol(database, "staff", 150)
    strangers.enrol(database, "staff", 1)  # the first one again
    with database.transaction() as session:
        gallery = galleries.get(session, "staff")
        assert gallery.model_id is not None
        people = session.scalars(select(Identity).where(Identity.gallery_id == gallery.id)).all()
        first, again = min(people, key=lambda one: one.id), max(people, key=lambda one: one.id)
        first.name, first.external_id, again.name = "Grace Hopper", "4711", "Grace B. Hopper"
        face_of = {face.identity_id: str(face.id) for face in session.scalars(select(Face))}

    measured = on_gallery(
        database, gallery.id, gallery.model_id, strangers.CARD, PersonScore(gallery.person_score)
    )

    [suspect] = measured.suspects
    sides = sorted((suspect.one, suspect.other), key=lambda side: side.name or "")
    assert [(side.name, side.external_id, side.identity, side.face) for side in sides] == [
        ("Grace B. Hopper", None, str(again.id), face_of[again.id]),
        ("Grace Hopper", "4711", str(first.id), face_of[first.id]),
    ]
    assert suspect.score == pytest.approx(1, abs=1e-5)


def test_two_pictures_are_compared_by_the_same_calibration(
    staff: TestClient, database: Database, hopper: bytes, collins: bytes
) -> None:
    """Without a gallery it is the model's."""
    pictures = {"image_a": hopper, "image_b": collins}
    by_card = staff.post("/v1/verify", files=pictures).json()
    found = calibrate(database, for_model=True)
    by_model = staff.post("/v1/verify", files=pictures).json()

    assert (by_card["calibration"], by_model["calibration"]) == ("card", "model")
    assert by_model["threshold"] == pytest.approx(found.threshold(0.001, 1), abs=1e-4)
    assert (by_model["fmr"], by_model["matched"]) == (0.001, False)


def test_a_gallerys_calibration_of_one_model_is_not_used_with_another(
    staff: TestClient, database: Database
) -> None:
    with database.transaction() as session:
        gallery = galleries.get(session, "staff")
        other = models.register(session, NEW.fingerprint, 128)
        calibrations.add(
            session, gallery_id=gallery.id, model_id=other, source="gallery", parameters={"format": 1}
        )

    assert search(staff)["calibration"] == "card"


def test_a_switch_to_another_model_keeps_the_fpir_and_changes_the_threshold(
    staff: TestClient, database: Database, settings: Settings
) -> None:
    """The new model scores impostors higher: at the old threshold every search would be a false alarm."""
    staff.delete(PATH)
    staff.post("/v1/galleries", json={"name": "staff", "identify_fpir": 0.05}).raise_for_status()
    strangers.enrol(database, "staff", 300, also=NEW)
    calibrate(database)
    before = staff.get(PATH).json()["identification"]
    index_store = IndexStore.of(settings, database, strangers.CARD)
    with open_pipeline_factory(settings) as factory:
        with database.reading() as session:
            gallery = galleries.get(session, "staff")
        plan = plans.make(settings, index_store, gallery, factory.pipeline(NEW))
        job = control.start(database, index_store.models, gallery, NEW, plan, gates=["skipped<=0"]).row.id

        def done() -> bool:
            with database.reading() as session:
                row = reindexes.get(session, job).row
            return row.state == "ready" or row.problem is not None

        Worker(index_store, factory).run(until=done)
    switch.activate(database, job, force="a test")
    after = staff.get(PATH).json()["identification"]
    switch.rollback(database, job, force="a test")

    assert (before["calibration"], after["calibration"]) == ("gallery", "gallery")
    assert before["fpir"] == after["fpir"] == 0.05
    assert after["estimated_fpir"] == pytest.approx(0.05, rel=0.01)
    assert after["threshold"] > before["threshold"] + 0.1
    assert staff.get(PATH).json()["identification"] == before
    with database.reading() as session:
        texts = [event.text for event in reindexes.events(session, job)]
    assert any("calibrated on 300 people; FPIR 0.05 among 300 faces" in text for text in texts)


def test_too_few_people_are_rejected_with_their_number(client: TestClient, database: Database) -> None:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    strangers.enrol(database, "staff", 40)

    with pytest.raises(CalibrationUnsupported, match="at least 100 people, not 40"):
        calibrate(database)


def test_the_command_calibrates_a_gallery_and_sets_its_policy(
    tmp_path: Any, database: Database, migrated: str
) -> None:
    with database.transaction() as session:
        galleries.create(session, "staff")
    strangers.enrol(database, "staff", 300)
    home = Home(tmp_path)
    home.environment["GEMEL_DATABASE_URL"] = migrated

    tried = home.json("calibrate", "--gallery", "staff", "--fpir", "0.05", "--dry-run")
    done = home.json(
        "calibrate", "--gallery", "staff", "--fpir", "0.05", "--plot", "curve.png", "--html", "page.html"
    )
    rejected = home.run("calibrate", "--gallery", "staff", "--fpir", "1e-6", status=1)
    shown = home.run("calibrate", "--gallery", "staff", "--dry-run").stdout

    assert tried["stored"] is None
    assert done["stored"] is not None
    assert (done["faces"], done["calibration"]["identities"], done["fpir"]) == (300, 300, 0.05)
    assert [row["faces"] for row in done["table"]] == [100, 300, 1000, 10000, 100000, 1000000]
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "page.html").read_text()
    assert "300 (now)" in page
    assert page.count("data:image/png;base64,") == 1
    assert "policy_unsupported" in rejected.stderr
    assert "300 (now)" in shown
    with database.reading() as session:
        gallery = galleries.get(session, "staff")
        assert gallery.identify_fpir == 0.05
        assert gallery.calibration_id is not None
        row = calibrations.get(session, gallery.calibration_id)
    assert str(row.id) == done["stored"], "the rejected policy stored nothing"
    assert json.loads(json.dumps(row.parameters)) == done["calibration"]


def test_the_command_calibrates_the_model_on_scores_of_pairs(
    tmp_path: Any, database: Database, migrated: str
) -> None:
    home = Home(tmp_path)
    home.environment["GEMEL_DATABASE_URL"] = migrated
    vectors = face_vectors.gallery(200, 0)
    scores = (vectors @ vectors.T)[~np.eye(200, dtype=bool)]
    lines = ["score,same", *(f"{score:.4f},0" for score in scores[:20_000]), "0.9,1"]
    (tmp_path / "pairs.csv").write_text("\n".join(lines))
    (tmp_path / "bad.csv").write_text("score,same\n7,0\n")

    done = home.json("calibrate", "--scores", "pairs.csv")
    bad = home.run("calibrate", "--scores", "bad.csv", status=1)
    home.run("calibrate", status=2)
    (tmp_path / "photographs" / "Grace").mkdir(parents=True)
    (tmp_path / "photographs" / "Grace" / "1.jpg").touch()
    few = home.run("calibrate", "--data", "photographs", status=1)

    assert (done["source"], done["calibration"]["comparisons"]) == ("pairs", 20_000)
    assert "line 2" in bad.stderr
    assert "calibration_unsupported" in few.stderr
    with database.reading() as session:
        model = models.register(session, strangers.CARD.fingerprint, 128)
        assert str(calibrations.number_for_model(session, model)) == done["stored"]


def test_a_calibration_of_fused_scores_is_active_only_while_scores_are_fused(
    staff: TestClient, database: Database
) -> None:
    """Thresholds for fused scores are too low for those of the nearest face; the reverse is conservative."""

    def active() -> str:
        kind: str = staff.get(PATH).json()["identification"]["calibration"]
        return kind

    calibrate(database)
    assert active() == "gallery"
    staff.patch(PATH, json={"person_score": "nearest"})
    assert active() == "card"
    calibrate(database)
    assert active() == "gallery"
    staff.patch(PATH, json={"person_score": "fused"})
    assert active() == "gallery"


def test_a_policy_is_checked_against_the_calibration_of_the_person_score_that_comes_with_it(
    staff: TestClient, database: Database
) -> None:
    fpir = 0.01
    assert of_card(strangers.CARD).curve.least_fpir(300) < fpir < calibrate(database).least_fpir(300)

    accepted = staff.patch(PATH, json={"identify_fpir": fpir, "person_score": "nearest"})
    rejected = staff.patch(PATH, json={"identify_fpir": fpir, "person_score": "fused"})

    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["identification"]["calibration"] == "card"
    assert_problem(rejected, 409, "policy_unsupported")
    assert staff.get(PATH).json() == accepted.json()


def test_a_calibration_says_how_many_disputed_matches_the_new_threshold_would_still_match(
    staff: TestClient, database: Database, tmp_path: Path, migrated: str
) -> None:
    with database.reading() as session:
        gallery = galleries.get(session, "staff")
        [key] = session.scalars(select(Face.key).limit(1)).all()
        stored = session.scalars(select(Embedding.vector).where(Embedding.face_key == key)).one()
    vector = np.frombuffer(stored or b"", "<f4")
    noise = np.random.default_rng(0).standard_normal(len(vector)).astype(np.float32)
    for share in (0.0, 8.0):  # the person as enrolled, and hardly similar to anybody
        probe = vector + share * noise / np.linalg.norm(noise)
        found = staff.post(f"{PATH}/search", json={"embedding": probe.tolist()}).json()
        identity = found["candidates"][0]["identity"]["id"]
        path = f"/v1/audit/{found['audit_id']}/disputes"
        staff.post(path, json={"identity_id": identity}).raise_for_status()
    home = Home(tmp_path)
    home.environment["GEMEL_DATABASE_URL"] = migrated

    calibrated = home.json("calibrate", "--gallery", "staff", "--dry-run")
    shown = home.run("calibrate", "--gallery", "staff", "--dry-run").stdout

    disputed = calibrated["disputed"]
    assert disputed["scores"][0] == pytest.approx(1, abs=1e-4)
    assert disputed["scores"][1] < disputed["threshold"] < disputed["scores"][0]
    assert (disputed["still_matched"], disputed["by_other_models"]) == (1, 0)
    assert "2 matches were disputed; the threshold of" in shown
    assert "would still match 1 of them" in shown
    other = disputed_matches(database, gallery.id, NEW.fingerprint, 0.5)
    assert (other.scores, other.by_other_models) == ([], 2)
