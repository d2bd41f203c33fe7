"""Several servers, cancelling, retrying, forgetting."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.errors import LeaseLost
from indexer.imports import previews
from indexer.imports.claim import claim
from indexer.imports.enrol import enrol
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.imports import queue, states
from indexer.settings import Settings
from indexer.usecases.bootstrap import Engine
from service.app import create_app
from tests.integration.imports.conftest import Importer
from tests.support.home import wait_for

Pair = tuple[bytes, bytes]


@pytest.fixture(scope="module")
def idle(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A server that enrols no files itself: the test does, as workers do."""
    settings = Settings(
        database_url=migrated, home=tmp_path_factory.mktemp("home"), threads=4, import_threads=0
    )
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture(scope="module")
def engine(idle: TestClient) -> Engine:
    found: Engine = idle.app.state.engine  # type: ignore[attr-defined]
    return found


@pytest.fixture
def alone(idle: TestClient, engine: Engine) -> Importer:
    return Importer(client=idle)


def work(engine: Engine, id: str, worker: str = "one", at_most: int = 8) -> int:
    """One claim: how many files."""
    claimed = claim(engine, UUID(id), worker, at_most=at_most, max_bytes=10**9)
    if claimed is None:
        return 0
    enrol(engine, claimed, check=lambda: None, observe=lambda *_: None)
    return len(claimed.files)


def expire_leases(engine: Engine, id: str) -> None:
    """As if a minute had passed."""
    with engine.database.transaction() as session:
        session.execute(
            text("UPDATE import_file SET leased_until = now() - interval '1 s' WHERE import_id = :id"),
            {"id": id},
        )


def pictures(engine: Engine, id: str) -> int:
    with engine.database.reading() as session:
        counted = text(
            "SELECT count(*) FROM import_picture JOIN import_file ON id = file_id WHERE import_id = :id"
        )
        return session.scalar(counted, {"id": id}) or 0


def test_what_a_worker_has_claimed_no_other_claims_until_its_lease_ends(
    alone: Importer, engine: Engine, small: Pair
) -> None:
    id = alone.create(people_by="file")
    alone.send(id, {"Grace.jpg": small[0], "Eileen.jpg": small[1]})

    first = claim(engine, UUID(id), "one", at_most=1, max_bytes=10**9)
    assert first is not None
    assert work(engine, id, "two") == 1
    assert work(engine, id, "two") == 0
    expire_leases(engine, id)
    assert work(engine, id, "two") == 1

    enrol(engine, first, check=lambda: None, observe=lambda *_: None)  # its bytes are gone
    assert alone.people() == {"Grace": 1, "Eileen": 1}


def test_a_worker_that_lost_its_lease_enrols_nothing(alone: Importer, engine: Engine, small: Pair) -> None:
    """It writes in the transaction that ends the file's wait: both or neither."""
    id = alone.create(people_by="file")
    alone.send(id, {"Grace.jpg": small[0]})
    frozen = claim(engine, UUID(id), "one", at_most=1, max_bytes=10**9)
    assert frozen is not None
    expire_leases(engine, id)
    assert claim(engine, UUID(id), "two", at_most=1, max_bytes=10**9) is not None

    with pytest.raises(LeaseLost):
        enrol(engine, frozen, check=lambda: None, observe=lambda *_: None)

    assert alone.people() == {}
    assert alone.get(id)["counts"]["waiting"] == 1


def test_a_file_whose_worker_was_killed_three_times_fails_alone_and_can_be_tried_again(
    alone: Importer, engine: Engine, small: Pair
) -> None:
    id = alone.create(people_by="file")
    alone.send(id, {"Grace.jpg": small[0], "Eileen.jpg": small[1]})
    alone.act(id, "finish")
    sizes = []
    for _ in range(3):
        claimed = claim(engine, UUID(id), "killed", at_most=8, max_bytes=10**9)
        assert claimed is not None
        sizes.append(len(claimed.files))
        expire_leases(engine, id)

    assert sizes == [2, 1, 1], "after the first time, each is tried alone"
    assert work(engine, id) == 1
    assert work(engine, id) == 0
    failed = alone.get(id)
    assert (failed["state"], failed["reasons"]) == ("done", {"worker_failed": 1})
    assert alone.act(id, "retry")["state"] == "enrolling"
    assert work(engine, id) == 1
    assert work(engine, id) == 0
    assert alone.get(id)["counts"]["enrolled"] == 2


def test_a_cancelled_import_enrols_no_more_and_keeps_no_bytes(
    alone: Importer, engine: Engine, small: Pair
) -> None:
    id = alone.create(people_by="file")
    alone.send(id, {"Grace.jpg": small[0]})
    assert work(engine, id) == 1
    alone.send(id, {"Eileen.jpg": small[1]})
    claimed = claim(engine, UUID(id), "one", at_most=8, max_bytes=10**9)
    assert claimed is not None

    alone.act(id, "cancel")
    enrol(engine, claimed, check=lambda: None, observe=lambda *_: None)  # finds no bytes

    cancelled = alone.get(id)
    assert (cancelled["state"], cancelled["counts"]["cancelled"]) == ("cancelled", 1)
    assert alone.people() == {"Grace": 1}
    assert pictures(engine, id) == 0
    assert alone.act(id, "cancel")["state"] == "cancelled"
    assert alone.client.post(f"{alone.path}/{id}/finish").json()["code"] == "import_state"


def test_a_rejected_file_whose_worker_was_killed_gets_its_small_picture_later(
    alone: Importer, engine: Engine, nobody: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = alone.create(people_by="file")
    alone.send(id, {"Grace.jpg": nobody})
    with monkeypatch.context() as patched:
        patched.setattr(previews, "keep", lambda *_: None)
        work(engine, id)
    [file] = alone.files(id).values()
    assert not file["has_picture"]

    previews.repair(engine)

    assert alone.files(id)["Grace.jpg"]["has_picture"]
    assert alone.client.get(f"{alone.path}/{id}/files/{file['id']}/picture").status_code == 200


def test_deleting_an_import_deletes_its_pictures_and_leaves_the_people(
    alone: Importer, engine: Engine, small: Pair, nobody: bytes
) -> None:
    id = alone.create(people_by="file")
    alone.send(id, {"Grace.jpg": small[0], "Nobody.jpg": nobody})
    work(engine, id)
    assert pictures(engine, id) == 1

    assert alone.client.delete(f"{alone.path}/{id}").status_code == 204

    assert alone.client.get(f"{alone.path}/{id}").json()["code"] == "import_not_found"
    assert pictures(engine, id) == 0
    assert alone.people() == {"Grace": 1}


def test_deleting_a_person_deletes_what_imports_hold_of_them(
    alone: Importer, engine: Engine, small: Pair, nobody: bytes
) -> None:
    id = alone.create()
    alone.send(id, {"Grace/1.jpg": small[0], "Grace/2.jpg": nobody, "Eileen/1.jpg": small[1]})
    work(engine, id)

    answer = alone.client.delete(f"/v1/galleries/{alone.gallery}/identities/by-external-id/Grace")

    assert answer.status_code == 204
    assert set(alone.files(id)) == {"Eileen/1.jpg"}
    assert pictures(engine, id) == 0


def test_a_deleted_person_is_not_enrolled_again_by_files_that_waited(
    alone: Importer, engine: Engine, small: Pair
) -> None:
    id = alone.create()
    alone.send(id, {"Grace/1.jpg": small[0], "Grace/2.jpg": small[0] + b" ", "Grace/3.jpg": small[0] + b"  "})
    work(engine, id, at_most=1)
    claimed = claim(engine, UUID(id), "two", at_most=1, max_bytes=10**9)
    assert claimed is not None

    alone.client.delete(f"/v1/galleries/{alone.gallery}/identities/by-external-id/Grace").raise_for_status()
    enrol(engine, claimed, check=lambda: None, observe=lambda *_: None)
    work(engine, id)

    assert (alone.people(), alone.files(id)) == ({}, {})


def test_an_import_that_ended_long_ago_is_forgotten_and_one_that_gets_nothing_ends(
    alone: Importer, engine: Engine, database: Database
) -> None:
    alone.client.post("/v1/galleries", json={"name": alone.gallery})  # `database` has deleted it
    ended, abandoned, open_ = (alone.create() for _ in range(3))
    alone.act(ended, "finish")
    old = {"old": [ended, abandoned]}
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE import_job SET updated_at = now() - interval '31 days',"
                " ended_at = CASE WHEN ended_at IS NULL THEN NULL ELSE now() - interval '31 days' END"
                " WHERE id = ANY(CAST(:old AS uuid[]))"
            ),
            old,
        )
        states.expire(session, timedelta(days=30))
    work(engine, abandoned)

    listed = alone.client.get(alone.path).json()["imports"]
    assert {one["id"]: one["state"] for one in listed} == {abandoned: "done", open_: "receiving"}


def test_too_many_waiting_bytes_are_answered_with_busy_and_later_accepted(
    alone: Importer, engine: Engine, small: Pair
) -> None:
    id = alone.create(people_by="file")
    alone.send(id, {"Grace.jpg": small[0]})
    settings = alone.client.app.state.import_worker._settings  # type: ignore[attr-defined]
    object.__setattr__(settings, "import_waiting_mb", 1e-6)
    try:
        answer = alone.client.post(f"{alone.path}/{id}/files", files=[("files", ("Eileen.jpg", small[1]))])
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert "Retry-After" in answer.headers
        assert work(engine, id) == 1
        assert alone.send(id, {"Eileen.jpg": small[1]})["added"] == 1
    finally:
        object.__setattr__(settings, "import_waiting_mb", 1000.0)


def test_what_waits_is_a_metric(alone: Importer, engine: Engine, small: Pair) -> None:
    def metric(name: str) -> float:
        lines = alone.client.get("/metrics").text.splitlines()
        [value] = [line.split()[1] for line in lines if line.startswith(f"{name} ")]
        return float(value)

    names = ("gemel_imports_open", "gemel_import_files_waiting", "gemel_import_bytes_waiting")
    before = [metric(name) for name in names]
    id = alone.create(people_by="file")
    alone.send(id, {"Grace.jpg": small[0]})

    assert [metric(name) - old for name, old in zip(names, before, strict=True)] == [1, 1, len(small[0])]
    alone.act(id, "finish")
    assert work(engine, id) == 1
    assert work(engine, id) == 0
    assert [metric(name) - old for name, old in zip(names, before, strict=True)] == [0, 0, 0]


def test_two_servers_enrol_each_file_once(
    service: TestClient, migrated: str, tmp_path: Path, small: Pair
) -> None:
    importer = Importer(client=service)
    id = importer.create()
    second = Settings(database_url=migrated, home=tmp_path, threads=4)
    with TestClient(create_app(second)) as other:
        files = {f"{n % 5}/{n}.jpg": small[n % 2] + bytes([n]) for n in range(20)}
        for place, (name, data) in enumerate(files.items()):
            sender = (service, other)[place % 2]
            sender.post(f"{importer.path}/{id}/files", files=[("files", (name, data))]).raise_for_status()
        done = importer.finish(id)

    assert done["counts"]["enrolled"] == 20
    assert importer.people() == {str(person): 4 for person in range(5)}


def test_claims_and_galleries_that_vanish_end_nothing_else(
    alone: Importer, engine: Engine, small: Pair
) -> None:
    id = alone.create(people_by="file")
    alone.send(id, {"Grace.jpg": small[0]})
    claimed = claim(engine, UUID(id), "one", at_most=8, max_bytes=10**9)
    assert claimed is not None
    alone.client.delete(f"/v1/galleries/{alone.gallery}").raise_for_status()

    enrol(engine, claimed, check=lambda: None, observe=lambda *_: None)

    with engine.database.transaction() as session:
        queue.release(session, "one")
        assert alone.gallery not in [one.name for one in galleries.list_all(session)]
    wait_for(lambda: pictures(engine, id) == 0)
