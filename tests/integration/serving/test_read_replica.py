"""A server on a read replica of PostgreSQL: it answers what only reads, and says what it cannot do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from fastapi.testclient import TestClient

from indexer.records.database.session import Database
from indexer.settings import Settings
from service.app import create_app
from tests.support.faults.replica import lagging, read_replica
from tests.support.home import Home

PATH = "/v1/galleries/staff"


class Pair(NamedTuple):
    primary: TestClient
    replica: TestClient
    replica_database: Database
    person: dict[str, Any]
    """Grace, as the primary's server answered her enrolment."""


@pytest.fixture(scope="module")
def pair(migrated_cluster: Path, tmp_path_factory: pytest.TempPathFactory, hopper: bytes) -> Iterator[Pair]:
    """Two servers, each with a disk of its own: one on the primary PostgreSQL, one on its replica."""
    folder = tmp_path_factory.mktemp("replicated")
    with (
        Home(folder, cluster=migrated_cluster) as home,
        read_replica(folder, home.database_url, folder / "replica") as url,
    ):
        of_primary = Settings(home=folder / "one", database_url=home.database_url, threads=2)
        of_replica = Settings(
            home=folder / "other",
            database_url=url,
            audit_searches="best-effort",
            index_patience_s=1.0,
            threads=2,
        )
        database = Database(url)
        with (
            TestClient(create_app(of_primary), raise_server_exceptions=False) as primary,
            TestClient(create_app(of_replica), raise_server_exceptions=False) as replica,
        ):
            primary.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
            yield Pair(primary, replica, database, enrolled(primary, hopper, "Grace"))
        database.close()


def enrolled(client: TestClient, image: bytes, name: str) -> dict[str, Any]:
    answer = client.post(f"{PATH}/identities", files={"images": image}, data={"name": name})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def identified(client: TestClient, image: bytes, min_change: int = 0) -> httpx2.Response:
    data = {"min_change_number": min_change}
    answer: httpx2.Response = client.post(f"{PATH}/identify", files={"image": image}, data=data)
    return answer


def names(answer: httpx2.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {c["identity"]["name"] for face in answer.json()["faces"] for c in face["candidates"]}


def test_a_person_of_the_primary_is_found_on_the_replica_at_the_first_request_that_names_the_change(
    pair: Pair, collins: bytes
) -> None:
    person = enrolled(pair.primary, collins, "Eileen")

    assert "Eileen" in names(identified(pair.replica, collins, person["change_number"]))

    pair.primary.delete(f"{PATH}/identities/{person['id']}").raise_for_status()
    deletion = pair.primary.get(PATH).json()["change_number"]
    assert "Eileen" not in names(identified(pair.replica, collins, deletion))


def test_while_the_replica_lags_only_a_request_that_names_the_change_gets_503(
    pair: Pair, collins: bytes
) -> None:
    with lagging(pair.replica_database):
        person = enrolled(pair.primary, collins, "Collins")
        late = identified(pair.replica, collins, person["change_number"])
        old = identified(pair.replica, collins)

    assert (late.status_code, late.json()["code"]) == (503, "index_behind")
    assert "Collins" not in names(old)
    assert "Collins" in names(identified(pair.replica, collins, person["change_number"]))


def test_what_only_reads_is_answered_and_what_writes_gets_database_read_only(
    pair: Pair, hopper: bytes
) -> None:
    identified(pair.replica, hopper, pair.person["change_number"])  # the replica has her now
    person = f"{PATH}/identities/{pair.person['id']}"
    pictures = {"image_a": hopper, "image_b": hopper}
    reading = {
        "/readyz": pair.replica.get("/readyz"),
        "galleries": pair.replica.get("/v1/galleries"),
        "identities": pair.replica.get(f"{PATH}/identities"),
        "identity": pair.replica.get(person),
        "detect": pair.replica.post("/v1/detect", files={"image": hopper}),
        "two pictures": pair.replica.post("/v1/verify", files=pictures),
        "verify": pair.replica.post(f"{person}/verify", files={"image": hopper}),
        "audit": pair.replica.get("/v1/audit"),
        "metrics": pair.replica.get("/metrics"),
    }
    writing = {
        "gallery": pair.replica.post("/v1/galleries", json={"name": "other"}),
        "enrol": pair.replica.post(f"{PATH}/identities", files={"images": hopper}),
        "rename": pair.replica.patch(person, json={"name": "Admiral"}),
        "delete": pair.replica.delete(person),
        "re-index": pair.replica.post("/v1/reindexes", json={"gallery": "staff", "to": "dlib-resnet"}),
    }

    assert {name: answer.status_code for name, answer in reading.items()} == dict.fromkeys(reading, 200)
    assert {name: (answer.status_code, answer.json()["code"]) for name, answer in writing.items()} == (
        dict.fromkeys(writing, (503, "database_read_only"))
    )
    assert pair.primary.get(person).json()["name"] == "Grace"


def test_where_each_search_must_be_in_the_audit_record_a_replica_answers_no_search(
    pair: Pair, hopper: bytes, tmp_path: Path
) -> None:
    url = pair.replica_database.engine.url.render_as_string(hide_password=False)
    settings = Settings(home=tmp_path, database_url=url, audit_searches="required", threads=2)
    with TestClient(create_app(settings), raise_server_exceptions=False) as strict:
        answer = identified(strict, hopper)

    assert (answer.status_code, answer.json()["code"]) == (503, "database_read_only")
