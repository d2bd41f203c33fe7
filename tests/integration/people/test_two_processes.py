"""A second serving process follows changes of people by the first, and the indexes are verified."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from indexer.records import galleries
from indexer.replica import maintenance
from indexer.replica import status as index_status
from indexer.settings import Settings
from service.app import create_app
from tests.integration.people.conftest import GALLERY, PATH, People


@pytest.fixture(scope="module")
def second(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = Settings(database_url=migrated, home=tmp_path_factory.mktemp("second"), threads=4)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def who(client: TestClient, people: People, number: int) -> str:
    answer = client.post(f"{PATH}/search", json={"embedding": people.vector(number).astype(float).tolist()})
    return str(answer.raise_for_status().json()["candidates"][0]["identity"]["id"])


def test_another_process_names_the_new_owner_as_soon_as_the_answer_is_there(
    people: People, second: TestClient
) -> None:
    one, other = people.enrol(1, 2), people.enrol(3, 4)
    assert [who(second, people, n) for n in (2, 3)] == [str(one), str(other)]

    merged = people.merge(one, other)
    assert [who(second, people, n) for n in (3, 4)] == [str(one)] * 2
    people.undo(merged)
    assert [who(second, people, n) for n in (3, 4)] == [str(other)] * 2
    face = people.face_ids(one)[1]
    people.post(f"identities/{one}/faces/{face}/move", {"to": str(other)}).raise_for_status()
    assert who(second, people, 2) == str(other)
    split = people.post(f"identities/{other}/split", {"faces": [face]}).json()
    assert who(second, people, 2) == split["other"]["id"]


def test_indexes_and_snapshots_agree_with_the_database_after_changes_of_people(people: People) -> None:
    one, other = people.enrol(1, 2), people.enrol(3, 4)
    assert people.who(3) == str(other)
    people.undo(people.merge(one, other))
    people.merge(other, one)

    assert people.who(2) == str(other)
    with people.database.reading() as session:
        gallery = galleries.get(session, GALLERY)
    stores = list(index_status.stores_of(people.engine.index_store, [gallery]))
    assert stores
    for found, store in stores:
        assert maintenance.verify(store, found).clean
