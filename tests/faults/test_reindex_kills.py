"""Workers and servers are killed at each step of a re-index. Others continue, and nothing is lost."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.reindex import control, switch
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline_factory
from service.app import create_app
from tests.support.faults.reindex_worker import killed_at
from tests.support.home import Home, wait_for
from tests.support.pictures import jpeg, pixels
from tests.support.reindexing import NEW, OLD, Operator, enrol, expire_leases, newest_state, who

COMMAND = """
import sys
from indexer.cli import main
from tests.support.faults.death import die_at

die_at(sys.argv.pop(1))
main()
"""
"""`gemel`, with the step at which it is killed before its arguments."""
REPOSITORY = {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def operator(settings: Settings, database: Database, hopper: bytes, collins: bytes) -> Iterator[Operator]:
    """With a gallery of two people."""
    with open_pipeline_factory(settings) as factory:
        with serving(settings) as client:
            client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
            enrol(client, "Grace", hopper)
            enrol(client, "Eileen", collins)
        yield Operator(settings, database, factory)


@contextmanager
def serving(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def killed_worker(operator: Operator, step: str) -> None:
    """Its leases have expired when this returns."""
    killed_at(step, operator.settings)
    expire_leases(operator.database)


@pytest.mark.parametrize(
    "step",
    [
        "indexer.reindex.chunks:ChunkEmbedder.embed",
        "indexer.reindex.chunks:ChunkEmbedder.record",
        "indexer.reindex.steps:build",
        "indexer.reindex.steps:compare",
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_another_worker_completes_the_job_of_a_killed_one(operator: Operator, step: str, when: str) -> None:
    job = operator.start()
    killed_worker(operator, f"{step}:{when}:1")
    done = operator.work(job)

    with operator.database.reading() as session:
        progress = reindexes.progress_of(session, job.row.id)
    assert (done.row.state, done.row.problem) == ("ready", None)
    assert (progress.done, progress.embedded, operator.embeddings(NEW.fingerprint)) == (2, 2, 2)
    assert operator.clean()


CLEANING = [
    "indexer.reindex.steps:clean:before:1",
    "indexer.records.reindexes:delete_embeddings:after:1",  # the batch is rolled back
    "indexer.records.reindexes:delete_embeddings:before:2",  # between two batches
    "indexer.records.reindexes:delete_embeddings:before:3",
    "indexer.index.snapshots:SnapshotStore.remove:before:1",
    "indexer.index.snapshots:SnapshotStore.remove:after:1",
    "indexer.reindex.steps:clean:after:1",
]


@pytest.mark.parametrize("step", CLEANING)
def test_another_worker_completes_the_cleanup_of_a_killed_one(
    operator: Operator, hopper: bytes, step: str
) -> None:
    job = operator.work(operator.start(gates=["skipped<=0"]))
    switch.activate(operator.database, job.row.id)
    control.cleanup(operator.database, job.row.id)
    killed_worker(operator, step)
    check_serving(operator, hopper, NEW.fingerprint)
    ended = operator.work(job).row

    assert (ended.state, ended.problem) == ("done", None)
    assert (operator.embeddings(OLD.fingerprint), operator.embeddings(NEW.fingerprint)) == (0, 2)
    assert [text for text in operator.events(job) if "deleted" in text] == [
        "deleted the embeddings of the old model"
    ]
    assert operator.clean()
    check_serving(operator, hopper, NEW.fingerprint)


@pytest.mark.parametrize("step", CLEANING)
def test_another_worker_completes_the_cancellation_of_a_killed_one(
    operator: Operator, hopper: bytes, step: str
) -> None:
    job = operator.work(operator.start(gates=["skipped<=0"]))
    control.cancel(operator.database, job.row.id)
    killed_worker(operator, step)
    check_serving(operator, hopper, OLD.fingerprint)
    ended = operator.work(job).row

    assert (ended.state, ended.problem) == ("cancelled", None)
    assert (operator.embeddings(OLD.fingerprint), operator.embeddings(NEW.fingerprint)) == (2, 0)
    assert operator.clean()
    assert operator.work(operator.start(gates=["skipped<=0"])).row.state == "ready", "a new job may start"


def check_serving(operator: Operator, image: bytes, model: str) -> None:
    with serving(operator.settings) as client:
        assert who(client, image) == ("Grace", model)


@pytest.fixture
def home(tmp_path: Path, migrated_cluster: Path, hopper: bytes) -> Iterator[Home]:
    """With a gallery of one person and two faces, on its own PostgreSQL."""
    people = tmp_path / "people" / "Grace_Hopper"
    people.mkdir(parents=True)
    for number in range(2):
        (people / f"{number}.jpg").write_bytes(jpeg(pixels(hopper), 60 + 10 * number))
    with Home(tmp_path, cluster=migrated_cluster) as home:
        home.run("enrol", people.parent, "--gallery", "staff")
        yield home


def killed_command(home: Home, step: str, *arguments: str) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", COMMAND, step, *arguments],
        env=home.environment | REPOSITORY,
        cwd=home.folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr


def test_a_worker_completes_the_job_of_a_command_that_was_killed_while_embedding(home: Home) -> None:
    begin = ("reindex", "start", "--to", "dlib-resnet", "--gallery", "staff", "--gate", "skipped<=0")
    killed_command(home, "indexer.reindex.chunks:ChunkEmbedder.embed:before:1", *begin, "--wait")
    again = home.run(*begin, "--wait", status=1)
    [left] = home.json("reindex", "status")
    database = Database(home.database_url)
    expire_leases(database)
    with home.worker():
        wait_for(lambda: newest_state(database) == "ready", 120)
    database.close()
    home.run("reindex", "activate")
    home.run("reindex", "cleanup")

    assert "reindex_exists" in again.stderr
    assert (left["state"], left["problem"], left["progress"]["done"]) == ("embedding", None, 0)
    [verified] = home.json("index", "verify")
    assert verified["clean"]
    assert verified["model"] == NEW.fingerprint
    [done] = home.json("reindex", "status")
    assert (done["state"], done["progress"]["embedded"]) == ("done", 2)


@pytest.mark.parametrize("step", ["activate", "rollback"])
def test_a_switch_holds_if_the_command_is_killed_right_after_it(home: Home, hopper: bytes, step: str) -> None:
    home.run("reindex", "start", "--to", "dlib-resnet", "--gate", "skipped<=0", "--wait")
    if step == "rollback":
        home.run("reindex", "activate")
    [before] = home.json("reindex", "status")
    with home.server(
        command=(sys.executable, "-c", COMMAND, f"indexer.reindex.switch:{step}:after"), **REPOSITORY
    ) as (base, server):
        answers = [asked(base, hopper)]
        with pytest.raises(httpx2.TransportError):
            httpx2.post(f"{base}/v1/reindexes/{before['id']}/{step}", timeout=60)
        server.wait(60)
    with home.server() as (base, _):
        answers.append(asked(base, hopper))
        [status] = home.json("reindex", "status")
        assert all(verified["clean"] for verified in home.json("index", "verify"))

    both = [OLD.fingerprint, NEW.fingerprint]
    assert answers == (both if step == "activate" else both[::-1])
    assert status["state"] == ("active" if step == "activate" else "ready")


def asked(base: str, image: bytes) -> str:
    """The model of a correct answer."""
    answer = httpx2.post(f"{base}/v1/galleries/staff/identify", files={"image": image}, timeout=60).json()
    assert answer["faces"][0]["candidates"][0]["identity"]["external_id"] == "Grace_Hopper"
    model: str = answer["model"]
    return model
