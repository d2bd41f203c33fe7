"""If two operators act at once, one succeeds and the other gets an error."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.embedding.catalog import sface
from indexer.errors import GemelError, ReindexExists, ReindexState, ReplicasNotReady
from indexer.pipeline.models import GalleryModels
from indexer.records import galleries, reindexes, replicas
from indexer.records.database.session import Database
from indexer.records.reindexes import Job
from indexer.reindex import control, switch
from tests.support.reindexing import NEW, OLD, Operator, enrol, who

Act = Callable[[Database], Any]


def at_once(operator: Operator, *acts: Act) -> list[Any]:
    """What each returned or raised. Each has its own connections, as in its own process."""
    together = threading.Barrier(len(acts))
    outcomes: list[Any] = [None] * len(acts)

    def run(place: int) -> None:
        database = Database(operator.settings.database_url or "")
        try:
            with database.reading() as session:
                galleries.list_all(session)  # it is connected by now
            together.wait(30)
            outcomes[place] = acts[place](database)
        except GemelError as error:
            outcomes[place] = error
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def won_by_one(outcomes: list[Any], error: type[GemelError]) -> Job:
    """The job of the one that succeeded; the others raised `error`."""
    failed = [outcome for outcome in outcomes if isinstance(outcome, GemelError)]
    assert [type(one) for one in failed] == [error] * (len(outcomes) - 1), failed
    job: Job = next(outcome for outcome in outcomes if outcome not in failed)
    return job


@pytest.mark.parametrize("others", [(NEW, NEW), (NEW, sface(mirror=False))], ids=["to one", "to two"])
def test_of_two_starts_one_succeeds(
    operator: Operator, client: TestClient, hopper: bytes, others: tuple[Any, Any]
) -> None:
    enrol(client, "Grace", hopper)
    gallery, plans = operator.gallery(), [operator.plan(card) for card in others]

    def starting(place: int) -> Act:
        return lambda database: control.start(
            database, GalleryModels(database, OLD), gallery, others[place], plans[place]
        )

    for _ in range(5):
        job = won_by_one(at_once(operator, starting(0), starting(1)), ReindexExists)
        with operator.database.reading() as session:
            [found] = reindexes.open_jobs(session)
        assert found.row.id == job.row.id
        control.cancel(operator.database, job.row.id)
        assert operator.work(job).row.state == "cancelled"


def test_of_two_activations_one_succeeds(operator: Operator, client: TestClient, hopper: bytes) -> None:
    enrol(client, "Grace", hopper)
    job = operator.work(operator.start(gates=["skipped<=0"]))

    def activating(database: Database) -> Job:
        return switch.activate(database, job.row.id)

    for _ in range(5):
        assert won_by_one(at_once(operator, activating, activating), ReindexState).row.state == "active"
        assert who(client, hopper) == ("Grace", NEW.fingerprint)
        switch.rollback(operator.database, job.row.id)
    activated = [text for text in operator.events(job) if text.startswith("activated")]
    assert len(activated) == 5, "each once"


def test_of_an_activation_and_a_cancellation_one_succeeds(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    enrol(client, "Grace", hopper)
    for _ in range(3):
        job = operator.work(operator.start(gates=["skipped<=0"]))
        outcomes = at_once(
            operator,
            partial(switch.activate, job_id=job.row.id),
            partial(control.cancel, job_id=job.row.id),
        )
        state = won_by_one(outcomes, ReindexState).row.state
        assert state in ("active", "cancelling")
        expected = NEW if state == "active" else OLD
        assert who(client, hopper) == ("Grace", expected.fingerprint)
        if state == "active":
            switch.rollback(operator.database, job.row.id)
            control.cancel(operator.database, job.row.id)
        assert operator.work(job).row.state == "cancelled"
        assert operator.clean()


def test_of_a_rollback_and_a_cleanup_one_succeeds(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.work(operator.start(gates=["skipped<=0"]))
    switch.activate(operator.database, job.row.id)
    outcomes = at_once(
        operator,
        lambda database: switch.rollback(database, job.row.id),
        lambda database: control.cleanup(database, job.row.id),
    )

    state = won_by_one(outcomes, ReindexState).row.state
    assert who(client, hopper) == ("Grace", (OLD if state == "ready" else NEW).fingerprint)
    assert operator.work(job).row.state == ("ready" if state == "ready" else "done")
    assert who(client, hopper) == ("Grace", (OLD if state == "ready" else NEW).fingerprint)
    assert operator.clean()


def test_a_process_that_is_not_ready_prevents_a_switch_until_it_is_forced(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.work(operator.start(gates=["skipped<=0"]))
    with operator.database.transaction() as session:
        replicas.register(session, host="elsewhere", pid=17, version="0")
    with pytest.raises(ReplicasNotReady, match="elsewhere, process 17"):
        switch.activate(operator.database, job.row.id, patience_seconds=3)
    assert who(client, hopper) == ("Grace", OLD.fingerprint)
    switch.activate(operator.database, job.row.id, force="it is being replaced")

    assert who(client, hopper) == ("Grace", NEW.fingerprint)
    assert "process 17: it has not opened the index (it is being replaced)" in operator.events(job)[-1]
