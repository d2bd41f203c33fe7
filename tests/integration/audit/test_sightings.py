"""The searches that matched a person, from the audit record."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records.audit.sightings import NEWEST_SQL
from indexer.records.database.session import Database
from tests.support.asking import assert_problem, enrol, files, identify
from tests.support.pictures import jpeg, pixels


@pytest.fixture
def staff(client: TestClient, hopper: bytes, collins: bytes) -> dict[str, str]:
    """The ids of Grace Hopper and Eileen Collins."""
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    return {
        name: enrol(client, "staff", picture, name=name)["id"]
        for name, picture in (("Grace", hopper), ("Eileen", collins))
    }


def path(identity_id: str) -> str:
    return f"/v1/galleries/staff/identities/{identity_id}"


def sightings(client: TestClient, identity_id: str, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{path(identity_id)}/sightings", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["sightings"])


def both(hopper: bytes, collins: bytes) -> bytes:
    """One picture with both, side by side."""
    left, right = pixels(hopper)[:500, :500], pixels(collins)[:500, :500]
    return jpeg(np.concatenate([left, right], axis=1))


def test_each_search_that_matched_a_person_is_a_sighting_the_newest_first(
    client: TestClient, staff: dict[str, str], hopper: bytes, collins: bytes
) -> None:
    """Alone or with others on the photograph; not a search for somebody else, and not where they were only
    the second best."""
    alone = identify(client, "staff", hopper)
    identify(client, "staff", collins)
    together = identify(client, "staff", both(hopper, collins), max_faces=2)
    verified = client.post(f"{path(staff['Grace'])}/verify", files=files("image", hopper)).json()
    rejected = client.post(f"{path(staff['Grace'])}/verify", files=files("image", collins)).json()
    assert (verified["matched"], rejected["matched"]) == (True, False)

    listed = sightings(client, staff["Grace"])

    expected = [(verified, "verify_identity"), (together, "identify"), (alone, "identify")]
    assert [(one["audit_id"], one["kind"]) for one in listed] == [(a["audit_id"], k) for a, k in expected]
    for sighting, answer in zip(listed[1:], (together, alone), strict=True):
        face = answer["faces"][sighting["face"]]
        assert face["candidates"][0]["identity"]["id"] == staff["Grace"]
        assert sighting["score"] == pytest.approx(face["candidates"][0]["score"], abs=1e-4)
        assert sighting["threshold"] == pytest.approx(answer["threshold"], abs=1e-4)
        assert sighting["disputed"] is False
    [of_eileen, _] = sightings(client, staff["Eileen"])
    assert (of_eileen["audit_id"], of_eileen["face"] == listed[1]["face"]) == (together["audit_id"], False)


def test_sightings_come_in_pages(client: TestClient, staff: dict[str, str], hopper: bytes) -> None:
    searches = [identify(client, "staff", hopper)["audit_id"] for _ in range(3)]

    page = client.get(f"{path(staff['Grace'])}/sightings", params={"limit": 2}).json()
    rest = client.get(
        f"{path(staff['Grace'])}/sightings", params={"limit": 2, "cursor": page["next_cursor"]}
    ).json()

    listed = [one["audit_id"] for one in page["sightings"] + rest["sightings"]]
    assert (listed, rest["next_cursor"]) == (searches[::-1], None)


def test_a_disputed_match_is_a_disputed_sighting(
    client: TestClient, staff: dict[str, str], hopper: bytes
) -> None:
    answer = identify(client, "staff", hopper)
    body = {"face": 0, "identity_id": staff["Grace"]}
    client.post(f"/v1/audit/{answer['audit_id']}/disputes", json=body).raise_for_status()

    assert [one["disputed"] for one in sightings(client, staff["Grace"])] == [True]


def test_a_merged_person_brings_their_sightings(
    client: TestClient, staff: dict[str, str], hopper: bytes, collins: bytes
) -> None:
    """And takes them back when the merge is undone."""
    seen = [identify(client, "staff", picture)["audit_id"] for picture in (collins, hopper)]
    merged = client.post(f"{path(staff['Grace'])}/merge", json={"other": staff["Eileen"]}).json()
    assert [one["audit_id"] for one in sightings(client, staff["Grace"])] == seen[::-1]

    client.post(f"/v1/galleries/staff/people-changes/{merged['id']}/undo").raise_for_status()

    assert [one["audit_id"] for one in sightings(client, staff["Grace"])] == seen[1:]


def test_nobody_was_sighted_before_the_first_search(client: TestClient, staff: dict[str, str]) -> None:
    assert sightings(client, staff["Grace"]) == []
    missing = client.get(f"{path('019f7a2e-3c4d-7b1a-9e0f-5a6b7c8d9e0f')}/sightings")
    assert_problem(missing, 404, "identity_not_found")
    assert assert_problem(client.get(f"{path(staff['Grace'])}/sightings?cursor=x"), 422)["field"] == "cursor"


def test_a_person_on_photographs_of_several_is_found_with_the_database_index(
    client: TestClient, database: Database, staff: dict[str, str], hopper: bytes, collins: bytes
) -> None:
    identify(client, "staff", both(hopper, collins), max_faces=2)
    with database.transaction() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        arguments = {"ids": [staff["Eileen"]], "before": None, "limit": 10}
        statement = text("EXPLAIN " + NEWEST_SQL.replace("::", r"\:\:"))
        plan = "\n".join(session.scalars(statement, arguments))

    assert "Bitmap Index Scan on audit_event_default_jsonb_path_query_array_idx" in plan, plan
    assert "identity_id_number_idx" in plan, plan
    assert "Seq Scan on audit_event" not in plan, plan
    assert "number_at_idx" not in plan, f"it reads the whole record in the order of its numbers: {plan}"
