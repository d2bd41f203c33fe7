"""Visitors are forgotten when their time is over, when there are too many, and on request."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records.database.session import Database
from indexer.visitors.expiry import VisitorExpiry
from tests.integration.visitors.conftest import DOOR, See, photographs, visitors
from tests.support.asking import assert_problem

PEOPLE = ("George_W_Bush", "Tony_Blair", "Colin_Powell")


@pytest.fixture
def seen(door: str, see: See) -> list[str]:
    """The ids of three visitors, in the order in which they were seen."""
    return [see(photographs(person, 1)[0])["visitor"]["identity_id"] for person in PEOPLE]


def was_seen(database: Database, identity_id: str, ago: timedelta) -> None:
    with database.transaction() as session:
        session.execute(
            text("UPDATE identity SET last_seen_at = now() - :ago WHERE id = :id"),
            {"id": identity_id, "ago": ago},
        )


def left(client: TestClient) -> set[str]:
    return {visitor["id"] for visitor in visitors(client)}


def rows(database: Database) -> dict[str, int]:
    tables = ("identity", "face", "embedding", "person_template", "review", "audit_probe")
    with database.reading() as session:
        return {
            table: session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in tables
        }


def forget_in_time(database: Database) -> None:
    expiry = VisitorExpiry(database, every_seconds=3600)
    expiry.close()
    expiry.forget()


def test_a_visitor_whose_lifetime_is_over_is_forgotten_and_the_others_stay(
    client: TestClient, database: Database, see: See, seen: list[str]
) -> None:
    was_seen(database, seen[0], timedelta(hours=73))
    was_seen(database, seen[1], timedelta(hours=71))

    forget_in_time(database)

    assert left(client) == set(seen[1:])
    assert see(photographs(PEOPLE[0], 1)[0])["visitor"]["outcome"] == "new"


def test_two_processes_forget_each_visitor_once(
    client: TestClient, database: Database, migrated: str, seen: list[str]
) -> None:
    for identity_id in seen:
        was_seen(database, identity_id, timedelta(days=30))
    other = Database(migrated)

    forget_in_time(database)
    forget_in_time(other)
    other.close()

    assert left(client) == set()
    assert client.get(DOOR).json()["faces"] == 0


def test_a_visitor_who_was_named_is_never_forgotten(
    client: TestClient, database: Database, seen: list[str]
) -> None:
    client.patch(f"{DOOR}/identities/{seen[0]}", json={"name": "George"}).raise_for_status()
    was_seen(database, seen[0], timedelta(days=3650))

    forget_in_time(database)
    client.delete(f"{DOOR}/visitors").raise_for_status()

    assert client.get(f"{DOOR}/identities/{seen[0]}").json()["name"] == "George"


def test_another_visitor_takes_the_place_of_the_one_unseen_for_the_longest_time(
    client: TestClient, database: Database, see: See, seen: list[str]
) -> None:
    client.patch(DOOR, json={"max_visitors": 3}).raise_for_status()
    was_seen(database, seen[1], timedelta(hours=1))

    newest = see(photographs("Serena_Williams", 1)[0])["visitor"]["identity_id"]

    assert left(client) == {seen[0], seen[2], newest}


def test_a_smaller_number_of_visitors_applies_to_those_who_are_there(
    client: TestClient, database: Database, seen: list[str]
) -> None:
    client.patch(DOOR, json={"max_visitors": 1}).raise_for_status()

    forget_in_time(database)

    assert left(client) == {seen[-1]}


def test_all_are_forgotten_with_their_faces_crops_and_probes(
    client: TestClient, database: Database, see: See, door: str
) -> None:
    """Also the probe of the first sighting, which matched nobody."""
    client.patch(DOOR, json={"keep_probes": True}).raise_for_status()
    for person in PEOPLE:
        for photograph in photographs(person, 3):
            see(photograph)
    assert rows(database)["audit_probe"] > len(PEOPLE)
    before = client.get(DOOR).json()

    answer = client.delete(f"{DOOR}/visitors")

    assert (answer.status_code, answer.json()) == (200, {"forgotten": before["identities"]})
    assert rows(database) == dict.fromkeys(rows(database), 0)
    assert client.get(DOOR).json()["faces"] == 0
    assert see(photographs(PEOPLE[0], 1)[0], remember="false")["candidates"] == []


def test_only_those_unseen_for_so_long_are_forgotten_on_request(
    client: TestClient, database: Database, seen: list[str]
) -> None:
    was_seen(database, seen[0], timedelta(hours=13))
    was_seen(database, seen[1], timedelta(hours=11))

    assert client.delete(f"{DOOR}/visitors", params={"unseen_hours": 12}).json() == {"forgotten": 1}

    assert left(client) == set(seen[1:])


def test_what_is_remembered_and_forgotten_is_in_the_audit_record(client: TestClient, seen: list[str]) -> None:
    client.delete(f"{DOOR}/visitors").raise_for_status()

    remembered = events(client, "visitor.remembered")[: len(seen)]
    assert [event["identity_id"] for event in remembered] == seen[::-1]
    forgotten = events(client, "visitor.forgotten")[0]
    assert forgotten["details"] == {"identities": sorted(seen), "faces": 3, "reason": "requested"}


def events(client: TestClient, action: str) -> list[dict[str, Any]]:
    answer = client.get("/v1/audit", params={"action": action})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["events"])


@pytest.mark.parametrize("hours", ["-1", "nan", "inf", "1e9", "x"])
def test_a_time_that_is_none_is_rejected(client: TestClient, door: str, hours: str) -> None:
    assert_problem(client.delete(f"{DOOR}/visitors", params={"unseen_hours": hours}), 422)


@pytest.mark.parametrize("cursor", ["", "x", "2026-01-01_x", "9999-12-31T23:59:59.9-2359_" + "0" * 32])
def test_a_cursor_of_no_page_is_rejected(client: TestClient, door: str, cursor: str) -> None:
    assert_problem(client.get(f"{DOOR}/visitors", params={"cursor": cursor}), 422)
