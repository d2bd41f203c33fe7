"""People are found by what is typed into one box, and a long list is opened anywhere."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import identity_lists
from indexer.records.enrolled.identity_lists import Search
from tests.support.asking import assert_problem

IDENTITIES = "/v1/galleries/staff/identities"
PEOPLE: list[dict[str, Any]] = [
    {"name": "Grace Hopper", "external_id": "E-4711", "metadata": {"dept": "Computing", "born": 1906}},
    {"name": "Ada Lovelace", "external_id": "urn:x:1815", "metadata": {"dept": "Mathematics", "vip": True}},
    {"name": "Eileen Collins", "metadata": {"home": {"city": "New York"}, "flights": ["STS-63", "STS-84"]}},
    {"name": None, "external_id": "4712", "metadata": {"note": "looks like Grace", "left": None}},
]


@pytest.fixture
def staff(client: TestClient) -> TestClient:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    for person in PEOPLE:
        client.post(IDENTITIES, json=person).raise_for_status()
    return client


def found(client: TestClient, **query: Any) -> list[str]:
    answer = client.get(IDENTITIES, params=query)
    assert answer.status_code == 200, answer.text
    return [one["name"] or one["external_id"] for one in answer.json()["identities"]]


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("grace", ["Grace Hopper", "4712"]),
        ("hop 47", ["Grace Hopper"]),
        ("e-4711", ["Grace Hopper"]),
        ("47", ["Grace Hopper", "4712"]),
        ("dept:computing", ["Grace Hopper"]),
        ("dept:*", ["Grace Hopper", "Ada Lovelace"]),
        ("dept:comp", []),
        ("comp", ["Grace Hopper"]),
        ("grace dept:*", ["Grace Hopper"]),
        ("born:1906", ["Grace Hopper"]),
        ("vip:true", ["Ada Lovelace"]),
        ("left:null", ["4712"]),
        ('home.city:"new york"', ["Eileen Collins"]),
        ("home.city:*", ["Eileen Collins"]),
        ("flights:sts-84", ["Eileen Collins"]),
        ("urn:x:1815", ["Ada Lovelace"]),
        ("urn:x:", ["Ada Lovelace"]),
        ("nobody", []),
    ],
)
def test_one_box_finds_people_by_name_external_id_and_metadata(
    staff: TestClient, q: str, names: list[str]
) -> None:
    assert found(staff, q=q) == names
    assert staff.get(IDENTITIES, params={"q": q, "with_total": True}).json()["total"] == len(names)


def test_a_person_is_found_by_id_in_their_own_gallery(staff: TestClient) -> None:
    staff.post("/v1/galleries", json={"name": "other"}).raise_for_status()
    [ada] = staff.get(IDENTITIES, params={"q": "ada"}).json()["identities"]

    assert found(staff, q=f" {ada['id']} ") == ["Ada Lovelace"]
    assert staff.get("/v1/galleries/other/identities", params={"q": ada["id"]}).json()["identities"] == []


@pytest.mark.parametrize(
    "external_id", ["3f2504e0-4f89-41d3-9a0c-0305e82c3301", "9e107d9d372bb6826bd81d3542a419d6"]
)
def test_a_person_is_found_by_an_external_id_that_looks_like_an_id(
    staff: TestClient, external_id: str
) -> None:
    staff.post(IDENTITIES, json={"external_id": external_id, "name": "Mary Jackson"}).raise_for_status()

    assert found(staff, q=external_id) == ["Mary Jackson"]


def test_what_was_changed_is_found_by_its_new_words_only(staff: TestClient) -> None:
    [ada] = staff.get(IDENTITIES, params={"q": "ada"}).json()["identities"]
    url = f"{IDENTITIES}/{ada['id']}"

    staff.patch(url, json={"metadata": {"dept": "Poetry"}}).raise_for_status()
    assert (found(staff, q="dept:mathematics"), found(staff, q="dept:poetry")) == ([], ["Ada Lovelace"])
    staff.patch(url, json={"external_id": "L-1"}).raise_for_status()
    assert (found(staff, q="1815"), found(staff, q="l-1")) == ([], ["Ada Lovelace"])


def test_a_merged_person_is_found_again_after_the_undo(staff: TestClient) -> None:
    grace, other = (
        staff.get(IDENTITIES, params={"q": q}).json()["identities"][0] for q in ("e-4711", "4712")
    )
    merged = staff.post(f"{IDENTITIES}/{grace['id']}/merge", json={"other": other["id"]}).json()
    assert found(staff, q="left:null") == []

    staff.post(f"/v1/galleries/staff/people-changes/{merged['id']}/undo").raise_for_status()

    assert found(staff, q="left:null") == ["4712"]


@pytest.mark.parametrize("q", ["", " ", "\0", "x" * 256])
def test_a_search_without_words_is_rejected(staff: TestClient, q: str) -> None:
    assert assert_problem(staff.get(IDENTITIES, params={"q": q}), 422)["field"] == "q"


def test_a_list_is_opened_in_the_middle_and_read_both_ways(staff: TestClient) -> None:
    names = [person["name"] or person["external_id"] for person in PEOPLE]

    assert found(staff, offset=2, limit=1) == names[2:3]
    assert found(staff, offset=1, limit=2, order="newest") == [names[2], names[1]]
    assert found(staff, offset=4) == []
    page = staff.get(IDENTITIES, params={"order": "newest", "limit": 3, "with_total": True}).json()
    assert page["total"] == 4
    rest = staff.get(IDENTITIES, params={"order": "newest", "limit": 3, "cursor": page["next_cursor"]}).json()
    assert [one["name"] for one in rest["identities"]] == names[:1]
    assert (rest["total"], rest["next_cursor"]) == (None, None)
    refused = staff.get(IDENTITIES, params={"offset": 1, "cursor": page["next_cursor"]})
    assert assert_problem(refused, 422)["field"] == "offset"


def test_a_rare_field_among_many_people_is_found_with_the_database_index(
    staff: TestClient, database: Database
) -> None:
    with database.transaction() as session:
        gallery = galleries.get(session, "staff")
        session.execute(
            text(
                "INSERT INTO identity (id, gallery_id, name, search_words)"
                " SELECT gen_random_uuid(), :gallery, 'Person ' || i, to_tsvector('simple', 'person ' || i)"
                " FROM generate_series(1, 20000) AS i"
            ),
            {"gallery": gallery.id},
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE identity"))
    with database.reading() as session:
        query = Search(q="dept:computing")
        [one] = identity_lists.page(session, gallery.id, after=None, limit=100, search=query)
        plan = session.scalars(
            text(
                "EXPLAIN SELECT id FROM identity WHERE gallery_id = :gallery"
                " AND search_words @@ CAST(:words AS tsquery) ORDER BY id LIMIT 100"
            ),
            {"gallery": gallery.id, "words": "'dept=computing'"},
        ).all()

    assert one.name == "Grace Hopper"
    assert any("identity_search_words_idx" in line for line in plan), plan
