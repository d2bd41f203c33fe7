"""`gemel serve` and `gemel worker` as processes: how they start, share a PostgreSQL, and end."""

import signal
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import text

from indexer.records import embedded
from indexer.records.database.session import Database
from tests.support.faults.embedded_user import User
from tests.support.home import GEMEL, Home, ready, wait_for


def test_a_running_server_finds_whom_the_command_line_enrols(home: Home, people: Path, hopper: bytes) -> None:
    with home.server() as (base, _), httpx2.Client(base_url=base, timeout=60) as client:
        client.post("/v1/galleries", json={"name": "running"}).raise_for_status()
        before = client.post("/v1/galleries/running/identify", files={"image": hopper}).json()
        home.run("enrol", people, "--gallery", "running")
        after = client.post("/v1/galleries/running/identify", files={"image": hopper}).json()

    assert before["faces"][0]["candidates"] == []
    assert after["faces"][0]["candidates"][0]["identity"]["external_id"] == "Grace_Hopper"
    assert after["gallery_size"] == 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Of a server, from its start to its end."""

    ended_by: signal.Signals
    log: str
    """When it was ready."""
    found: list[tuple[str, bool]]
    """The person whom it identified in the gallery of each life before, and whether it was a match."""
    postgresql_runs: bool
    """After the end."""


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path, hopper: bytes) -> list[Life]:
    """Of four servers, one after the other, in a home that nobody else uses. Each enrols a person in a
    gallery of the person's name."""
    home = Home(tmp_path_factory.mktemp("lives"), cluster=migrated_cluster)
    lives: list[Life] = []
    for how in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGTERM):
        with home.server() as (base, process), httpx2.Client(base_url=base, timeout=60) as client:
            log = (home.folder / "server.log").read_text()
            found = []
            for number in range(len(lives)):
                answer = client.post(f"/v1/galleries/life-{number}/identify", files={"image": hopper}).json()
                [candidate] = answer["faces"][0]["candidates"]
                found.append((candidate["identity"]["name"], candidate["matched"]))
            name = f"life-{len(lives)}"
            client.post("/v1/galleries", json={"name": name}).raise_for_status()
            client.post(
                f"/v1/galleries/{name}/identities", files={"images": hopper}, data={"name": name}
            ).raise_for_status()
            process.send_signal(how)
            process.wait()
        runs = (home.folder / "postgresql" / "postmaster.pid").exists()
        lives.append(Life(ended_by=how, log=log, found=found, postgresql_runs=runs))
    return lives


def test_after_a_stop_of_any_kind_everybody_enrolled_is_still_found(lives: list[Life]) -> None:
    """Asked to stop, interrupted, killed: what was answered with 201 is there when it runs again."""
    for number, life in enumerate(lives):
        assert life.found == [(f"life-{before}", True) for before in range(number)]


def test_postgresql_stops_with_the_last_process_though_another_was_killed(lives: list[Life]) -> None:
    runs = [(life.ended_by, life.postgresql_runs) for life in lives]
    assert runs == [
        (signal.SIGTERM, False),
        (signal.SIGINT, False),
        (signal.SIGKILL, True),
        (signal.SIGTERM, False),
    ]


def test_the_recommended_model_is_named_until_somebody_is_enrolled(lives: list[Life]) -> None:
    first, *later = [life.log for life in lives]
    assert "`gemel models fetch sface+reid0095`" in first
    for log in later:
        assert "Documentation" in log
        assert "gemel models fetch" not in log


def test_postgresql_stops_with_the_server_though_a_command_that_used_it_was_killed(unused: Home) -> None:
    with unused.server() as (_, process):
        user = User(unused.folder)
        user.url()
        user.kill()
        process.terminate()
        process.wait()

    assert not (unused.folder / "postgresql" / "postmaster.pid").exists()


def test_a_slow_upload_does_not_hold_up_a_stop(home: Home) -> None:
    with (
        home.server() as (base, process),
        socket.create_connection(("127.0.0.1", int(base.rsplit(":", 1)[1]))) as slow,
    ):
        slow.sendall(
            b"POST /v1/detect HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
            b"Content-Type: application/json\r\n\r\n{"
        )
        assert ready(base)
        process.terminate()
        process.wait(timeout=60)


def test_one_request_too_many_is_told_to_come_again_and_the_others_are_served(home: Home) -> None:
    """The first is held by a lock in PostgreSQL; health is asked beside it."""
    database = Database(embedded.start(home.folder))
    try:
        with (
            home.server(GEMEL_MAX_REQUESTS="1") as (base, _),
            ThreadPoolExecutor(1) as elsewhere,
            database.transaction() as session,
        ):
            session.execute(text("LOCK TABLE identity"))
            first = elsewhere.submit(httpx2.get, f"{base}/v1/galleries", timeout=60)
            waiting = text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
            wait_for(lambda: session.scalar(waiting))
            second = httpx2.get(f"{base}/v1/galleries")
            health = httpx2.get(f"{base}/healthz")
            session.rollback()
            answer = first.result()
            third = httpx2.get(f"{base}/v1/galleries")
    finally:
        database.close()

    assert (second.status_code, second.json()["code"]) == (503, "busy")
    assert int(second.headers["Retry-After"]) >= 1
    assert health.status_code == 200
    assert (answer.status_code, third.status_code) == (200, 200)


def test_without_a_key_the_server_listens_on_loopback_whatever_it_is_told(home: Home) -> None:
    with home.server(GEMEL_HOST="0.0.0.0") as (base, process):
        assert ready(base)
        process.terminate()
        process.wait()
        said = (home.folder / "server.log").read_text()

    assert "listening on 127.0.0.1 instead of 0.0.0.0" in " ".join(said.split())
    assert "Uvicorn running on http://127.0.0.1" in said


def test_a_worker_ends_when_it_is_told_to(home: Home) -> None:
    with subprocess.Popen(
        [GEMEL, "worker"], env=home.environment, cwd=home.folder, stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stderr is not None
        assert "waits for work" in worker.stderr.readline()
        worker.send_signal(signal.SIGTERM)

        assert worker.wait(timeout=60) == 0
