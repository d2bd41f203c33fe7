"""Lists come in pages, and whoever has thousands of faces is no burden to the others."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, text

from indexer.records.database.session import Database
from indexer.records.tables import Gallery, Reindex
from tests.support.many_faces import enrol

IDENTITIES = "/v1/galleries/staff/identities"
FACES = 230


@pytest.fixture
def gallery(client: TestClient) -> UUID:
    return UUID(client.post("/v1/galleries", json={"name": "staff"}).json()["id"])


@pytest.fixture
def person(database: Database, gallery: UUID) -> str:
    """With more faces than are told of at once."""
    return f"{IDENTITIES}/{enrol(database, gallery, 'Grace', unit(FACES))}"


def unit(count: int) -> Any:
    vectors = np.random.default_rng(1).standard_normal((count, 128)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def pages(client: TestClient, url: str, **query: Any) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        asked = query | ({} if cursor is None else {"cursor": cursor})
        answer = client.get(url, params=asked)
        assert answer.status_code == 200, answer.text
        yield answer.json()
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return


def test_the_faces_of_a_person_come_in_pages_in_the_order_of_their_enrolment(
    client: TestClient, person: str
) -> None:
    fetched = list(pages(client, f"{person}/faces", limit=100))

    assert [len(page["faces"]) for page in fetched] == [100, 100, 30]
    faces = [face["id"] for page in fetched for face in page["faces"]]
    assert len(set(faces)) == FACES
    [whole] = pages(client, f"{person}/faces", limit=1000)
    assert faces == [face["id"] for face in whole["faces"]]


@pytest.mark.parametrize("cursor", ["x", "1.5", "99999999999999999999", "-1", "٣", "\x00", ""])
def test_a_cursor_that_no_page_gave_is_rejected(client: TestClient, person: str, cursor: str) -> None:
    urls = [f"{person}/faces", IDENTITIES, "/v1/reindexes"]
    if cursor in ("-1", "٣", "\x00", ""):  # the others may be names of galleries
        urls += ["/v1/galleries", "/v1/indexes"]
    for url in urls:
        answer = client.get(url, params={"cursor": cursor})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), url
        assert answer.json()["field"] == "cursor"


def test_an_identity_brings_its_first_faces_along_and_says_how_many_there_are(
    client: TestClient, person: str
) -> None:
    """The same by its own address, after a change, and in a list."""
    every = [face["id"] for page in pages(client, f"{person}/faces") for face in page["faces"]]
    answers = [
        (client.get(person).json(), 100),
        (client.patch(person, json={"name": "Grace Hopper"}).json(), 100),
        (client.get(IDENTITIES).json()["identities"][0], 10),
        (client.get(IDENTITIES, params={"name": "grace"}).json()["identities"][0], 10),
    ]

    for answer, shown in answers:
        assert answer["faces_total"] == FACES
        assert [face["id"] for face in answer["faces"]] == every[:shown]
        rest = client.get(
            f"{person}/faces", params={"cursor": answer["faces_next_cursor"], "limit": 1000}
        ).json()
        assert [face["id"] for face in rest["faces"]] == every[shown:]


def test_an_identity_of_few_faces_brings_all_along(client: TestClient, gallery: UUID, hopper: bytes) -> None:
    made = client.post(IDENTITIES, files={"images": hopper}).json()
    nobody = client.post(IDENTITIES, json={"name": "Nobody yet"}).json()

    for answer, total in ((made, 1), (client.get(f"{IDENTITIES}/{made['id']}").json(), 1), (nobody, 0)):
        assert (len(answer["faces"]), answer["faces_total"]) == (total, total)
        assert answer["faces_next_cursor"] is None


@pytest.mark.parametrize(("url", "members"), [("/v1/galleries", "galleries"), ("/v1/indexes", "galleries")])
def test_thousands_of_galleries_are_listed_in_pages(
    client: TestClient, database: Database, url: str, members: str
) -> None:
    with database.transaction() as session:
        session.add_all(Gallery(name=f"g{number:04}") for number in range(2_500))

    first = client.get(url).json()
    fetched = list(pages(client, url, limit=1000))

    assert len(first[members]) == 100
    assert [len(page[members]) for page in fetched] == [1000, 1000, 500]
    key = "name" if url == "/v1/galleries" else "gallery"
    names = [one[key] for page in fetched for one in page[members]]
    assert names == [f"g{number:04}" for number in range(2_500)]
    assert client.get(url, params={"limit": 1001}).status_code == 422


def test_re_index_jobs_are_listed_in_pages_the_newest_first(
    client: TestClient, database: Database, gallery: UUID
) -> None:
    with database.transaction() as session:
        old, new = (
            session.scalars(
                text("INSERT INTO model (fingerprint, dimension) VALUES (:name, 2) RETURNING id"),
                {"name": name},
            ).one()
            for name in ("old", "new")
        )
        for _ in range(5):
            session.add(Reindex(gallery_id=gallery, from_model_id=old, to_model_id=new, gates=[], plan={}))
            session.flush()
            session.execute(text("UPDATE reindex SET state = 'done'"))

    fetched = list(pages(client, "/v1/reindexes", limit=2))

    assert [len(page["reindexes"]) for page in fetched] == [2, 2, 1]
    jobs = [job["id"] for page in fetched for job in page["reindexes"]]
    assert jobs == sorted(jobs, reverse=True)
    assert len(set(jobs)) == 5


def test_a_person_of_many_faces_is_deleted_by_a_few_statements(
    client: TestClient, database: Database, person: str
) -> None:
    """Not one or more for each face, all of it under the gallery's lock."""
    statements: list[str] = []
    rows = 0

    def count(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        nonlocal rows
        statements.append(statement)
        rows += max(0, cursor.rowcount)

    engine = client.app.state.engine.database.engine  # type: ignore[attr-defined]
    event.listen(engine, "after_cursor_execute", count)
    try:
        assert client.delete(person).status_code == 204
    finally:
        event.remove(engine, "after_cursor_execute", count)

    assert len(statements) < 40, statements
    assert client.get("/v1/galleries/staff").json()["faces"] == 0
    with database.reading() as session:
        for table in ("identity", "face", "embedding"):
            assert session.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table
        assert (
            session.scalar(text("SELECT count(*) FROM change WHERE kind = 'delete' AND NOT is_template"))
            == FACES
        )


def test_nobody_is_half_deleted_where_the_deletion_fails(
    client: TestClient, database: Database, person: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database fails in the midst of it: everything is as it was, and a second attempt succeeds."""
    with database.transaction() as session:
        session.execute(
            text(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN IF NEW.kind = 'delete' THEN RAISE 'no'; END IF; RETURN NEW; END $$"
            )
        )
        session.execute(
            text("CREATE TRIGGER fail BEFORE INSERT ON change FOR EACH ROW EXECUTE FUNCTION fail()")
        )
    probe = unit(FACES)[7].tolist()
    try:
        assert client.delete(person).status_code >= 500
        assert client.get(person).json()["faces_total"] == FACES
        found = client.post("/v1/galleries/staff/search", json={"embedding": probe}).json()
        assert (found["gallery_size"], len(found["candidates"])) == (FACES, 1)
    finally:
        with database.transaction() as session:
            session.execute(text("DROP FUNCTION fail CASCADE"))

    assert client.delete(person).status_code == 204
    found = client.post("/v1/galleries/staff/search", json={"embedding": probe}).json()
    assert (found["gallery_size"], found["candidates"]) == (0, [])
