"""PostgreSQL takes a table for empty that it analysed while it was empty, for up to a minute."""

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from benchmarks import face_vectors
from indexer.embedding.card import ModelCard
from indexer.records import changes, galleries, models
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, identities, person_templates
from indexer.types import ChangeKind
from tests.support import strangers
from tests.support.enrolments import enrolment

STAFF = "/v1/galleries/staff"
CARD: ModelCard = strangers.CARD


@pytest.fixture
def emptied(client: TestClient, database: Database) -> TestClient:
    """A gallery was deleted, PostgreSQL analysed the tables, and another gallery was made."""
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    enrol_with_two_photographs(database, 300)
    client.delete(STAFF).raise_for_status()
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    return client


def enrol_with_two_photographs(database: Database, count: int) -> None:
    """Each person has a template too."""
    with database.transaction() as session:
        gallery = galleries.lock(session, galleries.get(session, "staff").id)
        model = models.register(session, CARD.fingerprint, CARD.dimension)
        gallery.model_id = model
        people, keys = [], []
        for number, vector in enumerate(face_vectors.gallery(count, seed=2)):
            person = identities.create(session, gallery.id, external_id=None, name=None, metadata={})
            photographs = [enrolment(2 * number + place, {CARD.fingerprint: vector}) for place in (1, 2)]
            added = faces.add(session, person.id, photographs, {CARD.fingerprint: model})
            keys += [face.key for face in added]
            people.append(person.id)
        templates = person_templates.replace(session, gallery.id, people)
        changes.append(session, gallery.id, ChangeKind.ENROL, keys, templates)


def searched_faces(client: TestClient) -> int:
    probe = face_vectors.strangers(1, 0)[0].astype(float).tolist()
    answer = client.post(f"{STAFF}/search", json={"embedding": probe})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["gallery_size"])


def test_an_open_index_has_a_thousand_new_people_at_its_next_search(
    emptied: TestClient, database: Database
) -> None:
    strangers.enrol(database, "staff", 1)
    assert searched_faces(emptied) == 1

    strangers.enrol(database, "staff", 1000, seed=1)

    assert searched_faces(emptied) == 1001


def test_an_open_index_has_a_thousand_new_person_templates_at_its_next_search(
    emptied: TestClient, database: Database
) -> None:
    strangers.enrol(database, "staff", 1)
    assert searched_faces(emptied) == 1

    enrol_with_two_photographs(database, 1000)

    assert searched_faces(emptied) == 2001


def test_a_read_of_whole_galleries_begins_with_fresh_statistics(
    emptied: TestClient, database: Database
) -> None:
    enrol_with_two_photographs(database, 600)

    with database.repeatable_read() as session:
        rows = session.execute(text("SELECT relname, reltuples FROM pg_class")).tuples()

        assert {"identity": 600, "person_template": 600, "face": 1200, "embedding": 1200}.items() <= dict(
            rows.all()
        ).items()
