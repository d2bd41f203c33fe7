"""A second serving process follows changes of people by the first, and the indexes are verified."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.errors import LeaseLost
from indexer.records import galleries
from indexer.replica import status as index_status
from indexer.replica import verification
from indexer.settings import Settings
from service.app import create_app
from tests.integration.people.album import CLUSTERINGS, THRESHOLD, Album
from tests.integration.people.conftest import GALLERY, PATH, People
from tests.support.asking import assert_problem
from tests.support.home import wait_for


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
        assert verification.verify(store, found).clean


def test_of_two_clusterings_that_two_processes_get_at_once_one_runs_and_joins_each_face_once(
    people: People, second: TestClient
) -> None:
    album = Album(people)
    ann = album.several(1, 20)
    begin = threading.Barrier(2)

    def create(client: TestClient) -> httpx2.Response:
        begin.wait()
        return client.post(CLUSTERINGS, json={"threshold": THRESHOLD})

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(create, (people.client, second)))

    [made] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    [rejected] = [answer for answer in answers if answer.status_code != 201]
    assert_problem(rejected, 409, "clustering_exists")
    wait_for(lambda: album.get(made)["ended_at"] is not None, 60)
    assert (album.get(made)["state"], album.sizes()) == ("done", {str(ann[0]): 20})
    with people.database.reading() as session:
        attempts = session.scalar(text("SELECT attempts FROM gallery_job WHERE id = :id"), {"id": made})
        merges = session.scalar(text("SELECT count(*) FROM person_change WHERE job_id = :id"), {"id": made})
    assert (attempts, merges) == (1, 19)


def test_a_clustering_that_another_process_has_taken_over_is_ended_by_that_one_alone(
    people: People, second: TestClient
) -> None:
    """The first was stopped for longer than its lease."""
    album = Album(people)
    ann = album.several(1, 5)
    slow = album.claimed("slow")
    taken: list[object] = []

    def take_over(figures: Mapping[str, Any]) -> None:
        if "groups" in figures and not taken:
            taken.append(figures)
            with people.database.transaction() as session:
                session.execute(text("UPDATE gallery_job SET leased_until = now()"))
            wait_for(lambda: album.get(str(slow.job.id))["ended_at"] is not None, 60)

    slow.observe = take_over
    with pytest.raises(LeaseLost):
        slow.run()

    assert album.get(str(slow.job.id))["state"] == "done"
    assert album.sizes() == {str(ann[0]): 5}
    changes = people.client.get(f"{PATH}/people-changes").json()["changes"]
    assert len(changes) == 4
