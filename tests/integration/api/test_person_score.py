"""A person of several faces has one score: of the nearest face, or fused with the person template."""

from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi.testclient import TestClient

from benchmarks import face_vectors
from indexer.mean_template import mean_templates
from indexer.records.database.session import Database
from indexer.records.enrolled import person_templates
from indexer.types import PersonScore, Vectors
from indexer.usecases import person_score
from tests.integration.api.test_identify_people import SEARCH, around
from tests.support.home import Home
from tests.support.many_faces import enrol

STAFF = "/v1/galleries/staff"


@pytest.fixture
def gallery(client: TestClient) -> UUID:
    return UUID(client.post("/v1/galleries", json={"name": "staff"}).json()["id"])


def templates(database: Database, gallery: UUID) -> int:
    with database.reading() as session:
        return person_templates.count(session, gallery)


def template_of(vectors: Vectors) -> Vectors:
    mean: Vectors = mean_templates(vectors, np.array([0]))[0][0]
    return mean


def search(client: TestClient, probe: Vectors) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.post(SEARCH, json={"embedding": probe.tolist()}).json()["candidates"]
    return found


def test_a_new_gallery_fuses_the_nearest_face_with_the_template_and_says_so(
    client: TestClient, database: Database, gallery: UUID
) -> None:
    centres = face_vectors.gallery(2, 5)
    three, one = around(centres[0], 3, 1), around(centres[1], 1, 2)
    enrol(database, gallery, "three", three)
    enrol(database, gallery, "one", one)
    probe = around(centres[0], 1, 3)[0]

    first, second = search(client, probe)

    assert client.get(STAFF).json()["person_score"] == "fused"
    assert first["face_score"] == pytest.approx(float((three @ probe).max()), abs=1e-5)
    assert first["template_score"] == pytest.approx(float(template_of(three) @ probe), abs=1e-5)
    assert first["score"] == pytest.approx((first["face_score"] + first["template_score"]) / 2, abs=1e-5)
    assert first["template_faces"] == 3
    assert (second["template_score"], second["template_faces"]) == (None, None)
    assert second["score"] == second["face_score"]


def test_the_policy_is_changed_and_changed_back(
    client: TestClient, database: Database, gallery: UUID
) -> None:
    centres = face_vectors.gallery(3, 6)
    for number, centre in enumerate(centres):
        enrol(database, gallery, str(number), around(centre, number + 1, number))
    probe = around(centres[2], 1, 9)[0]
    fused = search(client, probe)[0]
    assert templates(database, gallery) == 2

    answer = client.patch(STAFF, json={"person_score": "nearest"})
    assert answer.json()["person_score"] == "nearest"
    assert templates(database, gallery) == 0
    nearest = search(client, probe)[0]
    assert nearest["score"] == nearest["face_score"] == fused["face_score"] != fused["score"]

    assert client.patch(STAFF, json={"person_score": "fused"}).json()["person_score"] == "fused"
    assert search(client, probe)[0] == fused


def test_other_members_of_the_policy_leave_the_score_as_it_is(client: TestClient, gallery: UUID) -> None:
    for body in ({"min_match_face_px": 30}, {"person_score": None}, {}):
        assert client.patch(STAFF, json=body).json()["person_score"] == "fused"
    assert client.patch(STAFF, json={"person_score": "mean"}).status_code == 422


def test_an_interrupted_change_is_reported_and_completed_by_the_same_command(
    client: TestClient, database: Database, gallery: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.patch(STAFF, json={"person_score": "nearest"})
    centres = face_vectors.gallery(5, 6)
    for number, centre in enumerate(centres):
        enrol(database, gallery, str(number), around(centre, 2, number))
    monkeypatch.setattr(person_score, "PEOPLE_OF_A_TRANSACTION", 2)

    def interrupt(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        person_score.change(database, "staff", PersonScore.FUSED, progress=interrupt)
    assert templates(database, gallery) == 2
    scores = [search(client, centre)[0] for centre in centres]
    assert sum(one["template_score"] is not None for one in scores) == 2, "each person has one of both scores"

    person_score.change(database, "staff", PersonScore.FUSED)

    assert templates(database, gallery) == 5
    assert all(search(client, centre)[0]["template_faces"] == 2 for centre in centres)


def test_people_enrolled_during_a_change_of_the_policy_get_the_score_too(
    database: Database, client: TestClient, gallery: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.patch(STAFF, json={"person_score": "nearest"})
    centres = face_vectors.gallery(4, 8)
    for number, centre in enumerate(centres[:3]):
        enrol(database, gallery, str(number), around(centre, 2, number))
    monkeypatch.setattr(person_score, "PEOPLE_OF_A_TRANSACTION", 1)

    def enrol_another(done: int) -> None:
        if done == 1:
            enrol(database, gallery, "late", around(centres[3], 3, 3))

    person_score.change(database, "staff", PersonScore.FUSED, progress=enrol_another)

    assert templates(database, gallery) == 4
    assert search(client, centres[3])[0]["template_faces"] == 3


def test_the_command_sets_the_score_and_verify_finds_the_index_equal(tmp_path: Path, hopper: bytes) -> None:
    home = Home(tmp_path)
    home.run("gallery", "create", "plain", "--person-score", "nearest")
    assert home.json("gallery", "list")["galleries"][0]["person_score"] == "nearest"

    assert home.json("gallery", "set", "plain", "--person-score", "fused")["person_score"] == "fused"
    assert home.json("index", "verify", "--gallery", "plain")


def test_the_command_lists_the_faces_that_are_unlike_the_others_of_their_person(
    tmp_path: Path, hopper: bytes, collins: bytes
) -> None:
    home = Home(tmp_path)
    folder = tmp_path / "people" / "Grace_Hopper"
    folder.mkdir(parents=True)
    (folder / "1.jpg").write_bytes(hopper)
    home.run("enrol", folder.parent, "--gallery", "staff")
    assert home.json("gallery", "check", "staff")["odd_faces"] == []

    (folder / "2.jpg").write_bytes(collins)
    assert home.json("enrol", folder.parent, "--gallery", "staff")["odd_faces"] == 1

    [odd] = home.json("gallery", "check", "staff")["odd_faces"]
    assert (odd["name"], odd["external_id"], odd["faces"]) == ("Grace Hopper", "Grace_Hopper", 2)
    assert odd["score"] < odd["limit"]
    assert "Grace Hopper" in home.run("gallery", "check", "staff").stdout
    assert home.json("index", "verify", "--gallery", "staff")


def test_a_comparison_with_an_identity_has_the_same_score_as_a_search(
    client: TestClient, hopper: bytes, collins: bytes
) -> None:
    client.post("/v1/galleries", json={"name": "staff"})
    made = client.post(
        "/v1/galleries/staff/identities", files=[("images", hopper), ("images", collins)]
    ).json()
    assert made["faces_total"] == 2, made

    compared = client.post(f"{STAFF}/identities/{made['id']}/verify", files={"image": hopper}).json()
    [face] = client.post(f"{STAFF}/identify", files={"image": hopper}).json()["faces"]

    [candidate] = face["candidates"]
    for field in ("face_score", "template_score", "score"):
        assert compared[field] == pytest.approx(candidate[field], abs=1e-4)
    assert compared["face_id"] == candidate["face_id"]
    assert compared["template_faces"] == candidate["template_faces"] == 2
    assert compared["score"] == pytest.approx((1 + compared["template_score"]) / 2, abs=1e-4)


def test_an_enrolment_warns_of_a_face_that_does_not_resemble_the_others_and_says_what_helps(
    client: TestClient, hopper: bytes, collins: bytes
) -> None:
    client.post("/v1/galleries", json={"name": "staff"})
    first = client.post("/v1/galleries/staff/identities", files={"images": hopper}).json()
    assert first["warnings"] == []
    assert first["photographs"]["photographs"] == 1
    assert first["photographs"]["missed_with_one_more"] < first["photographs"]["missed"]

    added = client.post(f"{STAFF}/identities/{first['id']}/faces", files={"images": collins}).json()

    [warning] = added["warnings"]
    assert warning["code"] == "unlike_other_faces"
    assert warning["face_id"] == added["faces"][0]["id"]
    assert warning["measured"] < warning["limit"]
    assert added["photographs"]["photographs"] == 2
    shown = client.get(f"{STAFF}/identities/{first['id']}").json()
    assert shown["photographs"] == added["photographs"]
