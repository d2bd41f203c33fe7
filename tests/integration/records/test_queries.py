"""Query parameters: unknown ones are rejected, and people are found by name."""

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


@pytest.fixture
def staff(client: TestClient) -> TestClient:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    return client


def make(client: TestClient, *names: str | None) -> None:
    for name in names:
        client.post(IDENTITIES, json={"name": name}).raise_for_status()


def found(client: TestClient, **params: Any) -> list[str]:
    answer = client.get(IDENTITIES, params=params)
    assert answer.status_code == 200, answer.text
    return [identity["name"] for identity in answer.json()["identities"]]


def test_an_unknown_query_parameter_is_422_with_its_name_on_every_route(staff: TestClient) -> None:
    tried = 0
    for path, item in staff.get("/openapi.json").json()["paths"].items():
        if not path.startswith("/v1"):
            continue
        for method in item:
            url = path.replace("{gallery}", "staff")
            for part in ("{identity_id}", "{face_id}", "{job_id}"):
                url = url.replace(part, "019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11")
            answer = staff.request(method, f"{url.replace('{external_id}', 'x')}?externalId=4711")
            if answer.status_code in (404, 415, 422) and answer.json().get("field") == "externalId":
                assert "'externalId'" in assert_problem(answer, 422, "invalid_request")["detail"]
                tried += 1
            else:  # a missing body is reported first
                assert answer.status_code == 422
                assert "requestBody" in item[method], (method, path)
    assert tried > 20


def test_the_error_of_an_unknown_parameter_suggests_a_similar_one(staff: TestClient) -> None:
    problem = assert_problem(staff.get(IDENTITIES, params={"externalId": "x"}), 422, "invalid_request")

    assert "did you mean external_id?" in problem["detail"]
    assert "cursor" in problem["detail"]


def test_a_parameter_that_is_sent_twice_is_422(staff: TestClient) -> None:
    problem = assert_problem(staff.get(f"{IDENTITIES}?limit=1&limit=2"), 422, "invalid_request")

    assert problem["field"] == "limit"


def test_an_external_id_and_a_name_together_are_422_and_neither_is_ignored(staff: TestClient) -> None:
    make(staff, "Grace")

    answer = staff.get(IDENTITIES, params={"external_id": "4711", "name": "grace"})

    assert assert_problem(answer, 422, "invalid_request")["field"] == "name"


@pytest.mark.parametrize("probe", ["/healthz?t=1", "/readyz?t=1", "/metrics?name[]=gemel_requests_total"])
def test_health_probes_may_send_any_query_parameter(staff: TestClient, probe: str) -> None:
    assert staff.get(probe).status_code == 200


def test_an_unknown_field_of_any_body_is_named(staff: TestClient) -> None:
    for method, path, body in (
        ("POST", "/v1/galleries", {"name": "other"}),
        ("PATCH", "/v1/galleries/staff", {"identify_fpir": None}),
        ("POST", IDENTITIES, {"name": "Grace"}),
        ("POST", "/v1/galleries/staff/search", {"embedding": [1.0] * 128}),
        ("POST", "/v1/galleries/staff/index/rebuild", {}),
        ("POST", "/v1/reindexes", {"gallery": "staff", "to": "dlib-resnet"}),
    ):
        answer = staff.request(method, path, json=body | {"externalId": "x"})
        assert "externalId" in assert_problem(answer, 422, "invalid_request")["detail"], path
    form = staff.post(
        IDENTITIES, data={"name": "Grace", "externalId": "x"}, files={"several_faces": (None, "reject")}
    )
    assert "externalId" in assert_problem(form, 422, "invalid_request")["detail"]


@pytest.mark.parametrize(
    "body", [b"\xff", b"", b"{", b"[" * 100_000, b'"\xed\xa0\x80"', b"{}\x00", b"\xff\xfe{"]
)
def test_a_body_that_is_not_json_is_422_on_every_route_that_takes_json(
    staff: TestClient, body: bytes
) -> None:
    headers = {"Content-Type": "application/json"}
    for method, path in (
        ("POST", "/v1/galleries"),
        ("PATCH", "/v1/galleries/staff"),
        ("POST", IDENTITIES),
        ("PUT", f"{IDENTITIES}/by-external-id/1"),
        ("POST", "/v1/galleries/staff/search"),
        ("POST", "/v1/reindexes"),
    ):
        assert_problem(staff.request(method, path, content=body, headers=headers), 422, "invalid_request")


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("grace", ["Grace Hopper", "grace kelly"]),
        ("GRA", ["Grace Hopper", "grace kelly"]),
        ("hopper", ["Grace Hopper"]),
        ("hop gra", ["Grace Hopper"]),
        ("Hopper, Grace", ["Grace Hopper"]),
        ("race", []),
        ("grace x", []),
        ("strasse", ["Jörg Straße"]),
        ("JÖRG", ["Jörg Straße"]),
        ("jo\u0308rg", ["Jörg Straße"]),
        ("o'br", ["Conan O'Brien"]),
        ("harington", ["kit_harington"]),
        ("山田", ["山田太郎"]),
        ("🦊", ["🦊"]),
        ("a\\b", ["a\\b 'c' & !d:*"]),
        ("'c' & !d:*", ["a\\b 'c' & !d:*"]),
        ("%", []),
        ("g_ace", []),
    ],
)
def test_people_are_found_by_the_words_of_their_name(
    staff: TestClient, search: str, names: list[str]
) -> None:
    make(staff, "Grace Hopper", None, "grace kelly", "Jörg Straße", "Conan O'Brien", "kit_harington")
    make(staff, "山田太郎", "🦊", "a\\b 'c' & !d:*")

    assert found(staff, name=search) == names


@pytest.mark.parametrize("search", ["", "   ", "\0", "x" * 256])
def test_a_search_without_a_word_is_422(staff: TestClient, search: str) -> None:
    """And not a list of all people."""
    make(staff, "Grace")

    assert assert_problem(staff.get(IDENTITIES, params={"name": search}), 422)["field"] == "name"


def test_a_search_by_name_has_pages(staff: TestClient) -> None:
    make(staff, *(f"{first} {number}" for number in range(5) for first in ("Grace", "Eileen")))

    page = staff.get(IDENTITIES, params={"name": "grace", "limit": 2}).json()
    seen = [identity["name"] for identity in page["identities"]]
    while page["next_cursor"]:
        params = {"name": "grace", "limit": 2, "cursor": page["next_cursor"]}
        page = staff.get(IDENTITIES, params=params).json()
        seen += [identity["name"] for identity in page["identities"]]

    assert seen == [f"Grace {number}" for number in range(5)]


def test_a_new_name_is_found_and_the_old_one_no_longer(staff: TestClient) -> None:
    made = staff.post(IDENTITIES, json={"name": "Grace Murray"}).json()
    staff.patch(f"{IDENTITIES}/{made['id']}", json={"name": "Grace Hopper"}).raise_for_status()
    staff.post("/v1/galleries", json={"name": "other"}).raise_for_status()

    assert found(staff, name="murray") == []
    assert found(staff, name="hopper") == ["Grace Hopper"]
    assert staff.get("/v1/galleries/other/identities", params={"name": "hopper"}).json()["identities"] == []
    staff.patch(f"{IDENTITIES}/{made['id']}", json={"name": None}).raise_for_status()
    assert found(staff, name="hopper") == []


def test_a_rare_name_among_many_is_found_with_the_database_index(
    staff: TestClient, database: Database
) -> None:
    make(staff, "Grace Hopper")
    with database.transaction() as session:
        gallery = galleries.get(session, "staff")
        session.execute(
            text(
                "INSERT INTO identity (id, gallery_id, name, name_words)"
                " SELECT gen_random_uuid(), :gallery, 'Person ' || i, to_tsvector('simple', 'person ' || i)"
                " FROM generate_series(1, 20000) AS i"
            ),
            {"gallery": gallery.id},
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE identity"))
    with database.reading() as session:
        [one] = identity_lists.page(session, gallery.id, after=None, limit=100, search=Search(name="hopper"))
        plan = session.scalars(
            text(
                "EXPLAIN SELECT * FROM identity WHERE gallery_id = :gallery"
                " AND name_words @@ CAST(:words AS tsquery) ORDER BY id LIMIT 100"
            ),
            {"gallery": gallery.id, "words": "'hopper':*"},
        ).all()

    assert one.name == "Grace Hopper"
    assert any("identity_name_words_idx" in line for line in plan), plan
