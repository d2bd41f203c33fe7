"""What the audit record says of searches on real faces, and which probes are kept."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text

from indexer.records.audit import probes
from indexer.records.audit.search_details import RecordedSearch, SearchKind
from indexer.records.database.session import Database
from indexer.records.tables import AuditProbe
from indexer.settings import Settings
from indexer.vision.align import decode_crop
from service.app import create_app
from tests.support.asking import enrol, files, identify
from tests.support.audit import last_number, rows_after
from tests.support.pictures import jpeg, pixels


@pytest.fixture
def staff(client: TestClient, hopper: bytes, collins: bytes) -> dict[str, Any]:
    """Grace Hopper, in a gallery with Eileen Collins."""
    assert client.post("/v1/galleries", json={"name": "staff"}).status_code == 201
    enrol(client, "staff", collins, name="Eileen Collins")
    return enrol(client, "staff", hopper, name="Grace Hopper")


def event_of(database: Database, audit_id: str, after: int) -> tuple[dict[str, Any], RecordedSearch]:
    [row] = [row for row in rows_after(database, after) if str(row["id"]) == audit_id]
    return row, RecordedSearch.from_json(json.loads(row["details"]))


def smaller(photograph: bytes) -> bytes:
    """The same person in another file."""
    return jpeg(pixels(photograph)[::2, ::2])


def test_the_event_of_an_identification_has_the_answers_figures_and_no_name(
    client: TestClient, database: Database, staff: dict[str, Any], hopper: bytes
) -> None:
    before = last_number(database)

    answer = identify(client, "staff", smaller(hopper))

    row, search = event_of(database, answer["audit_id"], before)
    [face], [recorded] = answer["faces"], search.faces
    best, second = face["candidates"]
    assert (row["action"], row["gallery"]) == ("search.identified", "staff")
    assert str(row["identity_id"]) == staff["id"]
    assert (search.kind, search.model, search.gallery_size) == (
        SearchKind.IDENTIFY,
        answer["model"],
        answer["gallery_size"],
    )
    assert search.decision.threshold == answer["threshold"]
    assert (search.decision.requested, search.decision.target) == (False, answer["fpir"])
    assert search.decision.estimate == answer["estimated_fpir"]
    assert (search.decision.calibration, search.decision.calibration_id) == ("card", None)
    assert recorded.matched
    assert recorded.box == tuple(face["box"].values())
    assert recorded.quality is not None
    assert recorded.quality["score"] == pytest.approx(face["quality"]["score"], abs=0.06)
    assert [(str(c.identity_id), str(c.face_id), c.score) for c in recorded.candidates] == [
        (c["identity"]["id"], c["face_id"], c["score"]) for c in (best, second)
    ]
    assert "Grace" not in row["details"]
    assert recorded.crop_sha256 is None


def test_two_candidates_are_recorded_where_the_client_asks_for_one(
    client: TestClient, database: Database, staff: dict[str, Any], hopper: bytes
) -> None:
    before = last_number(database)

    answer = identify(client, "staff", hopper, max_candidates=1, threshold=0.9)

    _, search = event_of(database, answer["audit_id"], before)
    assert len(answer["faces"][0]["candidates"]) == 1
    assert len(search.faces[0].candidates) == 2
    assert (search.decision.threshold, search.decision.requested) == (0.9, True)


def test_searches_and_comparisons_are_recorded_with_their_scores(
    client: TestClient, database: Database, staff: dict[str, Any], hopper: bytes, collins: bytes
) -> None:
    before = last_number(database)
    vector = [1.0] + [0.0] * 127

    searched = client.post("/v1/galleries/staff/search", json={"embedding": vector}).json()
    pair = client.post("/v1/verify", files=files("image_a", hopper) + files("image_b", collins)).json()
    path = f"/v1/galleries/staff/identities/{staff['id']}/verify"
    person = client.post(path, files=files("image", smaller(hopper))).json()

    row, search = event_of(database, searched["audit_id"], before)
    assert (row["action"], search.kind, search.faces[0].box) == ("search.searched", SearchKind.SEARCH, None)
    assert search.faces[0].candidates[0].score == searched["candidates"][0]["score"]
    row, search = event_of(database, pair["audit_id"], before)
    assert (row["action"], row["gallery"], search.kind) == ("search.verified", None, SearchKind.VERIFY_PAIR)
    assert (search.pair_score, search.faces[0].matched) == (pair["score"], False)
    assert len(search.faces) == 2
    row, search = event_of(database, person["audit_id"], before)
    assert (str(row["identity_id"]), search.kind) == (staff["id"], SearchKind.VERIFY_IDENTITY)
    assert search.faces[0].candidates[0].score == person["score"]
    assert search.faces[0].matched


def test_a_gallery_keeps_probes_only_if_its_policy_says_so_and_they_go_with_the_person(
    client: TestClient, database: Database, staff: dict[str, Any], hopper: bytes
) -> None:
    before = last_number(database)
    unkept = UUID(identify(client, "staff", hopper)["audit_id"])
    assert client.patch("/v1/galleries/staff", json={"keep_probes": True}).json()["keep_probes"]

    kept = UUID(identify(client, "staff", smaller(hopper))["audit_id"])

    with database.reading() as session:
        assert probes.of_event(session, unkept) == {}
        probe = probes.of_event(session, kept)[0]
    _, search = event_of(database, str(kept), before)
    assert search.faces[0].crop_sha256 == hashlib.sha256(probe.jpeg).hexdigest()
    assert decode_crop(probe.jpeg) is not None
    assert str(probe.face_id) == staff["faces"][0]["id"]

    assert client.delete(f"/v1/galleries/staff/identities/{staff['id']}").status_code == 204
    with database.reading() as session:
        assert probes.of_event(session, kept) == {}


@contextmanager
def without_a_head(database: Database) -> Iterator[None]:
    """No event can be appended in the block."""
    with database.transaction() as session:
        head = dict(session.execute(text("DELETE FROM audit_head RETURNING *")).one()._mapping)
    try:
        yield
    finally:
        with database.transaction() as session:
            names = ", ".join(head)
            values = ", ".join(f":{name}" for name in head)
            session.execute(text(f"INSERT INTO audit_head ({names}) VALUES ({values})"), head)


@pytest.mark.parametrize(("searches", "status"), [("required", 503), ("best-effort", 200)])
def test_a_probe_whose_event_cannot_be_written_is_not_kept(
    database: Database, settings: Settings, staff: dict[str, Any], hopper: bytes, searches: str, status: int
) -> None:
    own = settings.model_copy(update={"audit_searches": searches})
    with TestClient(create_app(own)) as client:
        client.patch("/v1/galleries/staff", json={"keep_probes": True}).raise_for_status()
        with without_a_head(database):
            answer = client.post("/v1/galleries/staff/identify", files=files("image", hopper))

    assert answer.status_code == status
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(AuditProbe)) == 0


def test_without_an_audit_record_an_answer_has_no_audit_id_and_no_probe_is_kept(
    client: TestClient, database: Database, settings: Settings, staff: dict[str, Any], hopper: bytes
) -> None:
    client.patch("/v1/galleries/staff", json={"keep_probes": True})
    with TestClient(create_app(settings.model_copy(update={"audit": "off"}))) as silent:
        answer = identify(silent, "staff", hopper)

    assert answer["faces"][0]["candidates"][0]["matched"]
    assert answer["audit_id"] is None
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(AuditProbe)) == 0
