"""A gallery is switched while its indexes are being rebuilt: no request fails."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.index.build import BuildResult, build
from indexer.records.tables import Gallery
from indexer.reindex import control, switch
from indexer.replica import maintenance, rebuild_policy
from indexer.replica import status as index_status
from indexer.replica.store import database_copy, index_store
from tests.support.home import wait_for
from tests.support.reindexing import NEW, OLD, PATH, Operator, asked_all_the_time, enrol, who


@pytest.fixture(autouse=True)
def written_from_the_first_face(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_store, "SNAPSHOT_MIN_FACES", 1)
    monkeypatch.setattr(rebuild_policy, "MIN_DELETED", 2)


@contextmanager
def builds_held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Semaphore]:
    """Holds every build of an index after it has read PostgreSQL, until the block ends.

    A release of the semaphore for each of them that has come so far."""
    started, go_on = threading.Semaphore(0), threading.Event()

    def held(*arguments: Any, **named: Any) -> BuildResult:
        built = build(*arguments, **named)
        started.release()
        assert go_on.wait(60)
        return built

    with monkeypatch.context() as patched:
        patched.setattr(database_copy, "build", held)
        try:
            yield started
        finally:
            go_on.set()


def by_the_api(operator: Operator, client: TestClient) -> None:
    client.post(f"{PATH}/index/rebuild").raise_for_status()


def by_a_command(operator: Operator, client: TestClient) -> None:
    gallery = operator.gallery()
    maintenance.rebuild(operator.index_store.of_gallery(gallery), gallery)


def by_another_tier(operator: Operator, client: TestClient) -> None:
    client.post(f"{PATH}/index/rebuild", json={"tier": "exact-fp16"}).raise_for_status()


def by_deletions(operator: Operator, client: TestClient) -> None:
    page = client.get(f"{PATH}/identities").json()["identities"]
    for identity in [one for one in page if one["name"] == "Guest"]:
        client.delete(f"{PATH}/identities/{identity['id']}").raise_for_status()


@pytest.mark.parametrize("asked", [by_the_api, by_a_command, by_another_tier, by_deletions])
def test_a_switch_during_a_rebuild_holds_and_fails_no_request(
    operator: Operator,
    client: TestClient,
    hopper: bytes,
    collins: bytes,
    monkeypatch: pytest.MonkeyPatch,
    asked: Callable[[Operator, TestClient], None],
) -> None:
    enrol(client, "Grace", hopper)
    for _ in range(3):
        enrol(client, "Guest", collins)
    job = operator.work(operator.start(gates=["skipped<=0"]))
    assert job.row.state == "ready", job.row.problem

    with asked_all_the_time(client, hopper) as answers:
        wait_for(lambda: state_of(operator, NEW.fingerprint) == "ready")
        with builds_held(monkeypatch) as started:
            asking = threading.Thread(target=asked, args=(operator, client))
            asking.start()
            assert started.acquire(timeout=60), "nobody builds"
            switch.activate(operator.database, job.row.id)
            assert who(client, hopper) == ("Grace", NEW.fingerprint)
            enrol(client, "Eileen", collins)
            switch.rollback(operator.database, job.row.id)
            assert who(client, collins)[1] == OLD.fingerprint
            switch.activate(operator.database, job.row.id)
            assert who(client, hopper) == ("Grace", NEW.fingerprint)
        asking.join()
        wait_for(
            lambda: state_of(operator, OLD.fingerprint) == state_of(operator, NEW.fingerprint) == "ready"
        )
        wait_for(lambda: newest(operator, operator.gallery()))
        enrol(client, "Another", collins)
        assert operator.clean()
        assert who(client, hopper) == ("Grace", NEW.fingerprint), "the switch holds"
        control.cleanup(operator.database, job.row.id)
        assert operator.work(job).row.state == "done"
        enrol(client, "The last", collins)

    assert {name for name, _ in answers} == {"Grace"}, answers
    assert operator.clean()
    assert operator.embeddings(OLD.fingerprint) == 0


def state_of(operator: Operator, model: str) -> str | None:
    """The state of the service's index by the model, as last reported."""
    [row] = index_status.of_galleries(operator.database, [operator.gallery()])
    return next((replica.state for _, replica in row.replicas if replica.model == model), None)


def newest(operator: Operator, gallery: Gallery) -> bool:
    """Whether each model that has a snapshot has a valid one."""
    return all(
        any(
            stored.manifest is not None and stored.manifest.rebuild_number == gallery.rebuild_number
            for stored in index_status.of_snapshots(store, one)
        )
        for one, store in index_status.stores_of(operator.index_store, [gallery])
    )


def test_a_cleanup_during_a_rebuild_leaves_nothing_of_the_old_model(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.work(operator.start(gates=["skipped<=0"]))
    with asked_all_the_time(client, hopper) as answers:
        switch.activate(operator.database, job.row.id)
        with builds_held(monkeypatch) as started:
            client.post(f"{PATH}/index/rebuild").raise_for_status()
            for _ in range(2):
                assert started.acquire(timeout=60), "both are rebuilt"
            control.cleanup(operator.database, job.row.id)
            assert operator.work(job).row.state == "done"
            enrol(client, "Eileen", collins)
        wait_for(lambda: state_of(operator, OLD.fingerprint) is None)
        wait_for(lambda: state_of(operator, NEW.fingerprint) == "ready")

    assert {name for name, _ in answers} == {"Grace"}, answers
    assert operator.clean()
    wait_for(lambda: [path.name for path in models_on_the_disk(operator)] == [NEW.fingerprint])


def models_on_the_disk(operator: Operator) -> list[Any]:
    return sorted((operator.index_store.root / str(operator.gallery().id)).iterdir())


def test_a_cancellation_during_a_build_ends_cancelled_and_leaves_nothing(
    operator: Operator, client: TestClient, hopper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.start(gates=["skipped<=0"])
    with builds_held(monkeypatch) as started:
        building = threading.Thread(target=operator.work, args=(job,))
        building.start()
        assert started.acquire(timeout=60)
        control.cancel(operator.database, job.row.id)
        assert operator.work(job).row.state == "cancelled"
    building.join(60)

    ended = operator.job(job).row
    assert not building.is_alive()
    assert (ended.state, ended.problem) == ("cancelled", None)
    assert who(client, hopper) == ("Grace", OLD.fingerprint)
    assert operator.embeddings(NEW.fingerprint) == 0
    assert NEW.fingerprint not in [path.name for path in models_on_the_disk(operator)]
    assert operator.job(operator.work(operator.start(gates=["skipped<=0"]))).row.state == "ready", "once more"
