"""`gemel serve --workers 2`: real processes on one port, with one PostgreSQL."""

import contextlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from indexer.embedding.runtimes.choice import has_gpu
from tests.support.home import Home, ready, wait_for


class Service:
    """A server with two workers, whose process ids `/metrics` tells."""

    def __init__(self, base: str, group: int) -> None:
        self.base = base
        self.group = group

    @property
    def workers(self) -> set[int]:
        told = httpx2.get(f"{self.base}/metrics", timeout=60).text
        return {int(pid) for pid in re.findall(r'^gemel_index_galleries{pid="(\d+)"}', told, re.M)}

    def anyone(self) -> httpx2.Client:
        """A client of whichever worker accepts its connection."""
        return httpx2.Client(base_url=self.base, timeout=60)

    @contextlib.contextmanager
    def through(self, worker: int) -> Iterator[httpx2.Client]:
        """A client of this worker alone: the others are stopped, and accept no connection."""
        others = self.workers - {worker}
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            with self.anyone() as client:
                yield client
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)


def running(group: int) -> set[int]:
    """The processes of a group; those that have ended and are not buried yet are none."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
            if int(of) == group and state != "Z":
                found.add(int(stat.parent.name))
    return found


@contextlib.contextmanager
def serving(home: Home) -> Iterator[tuple[Service, Any]]:
    with home.server("--workers", "2", GEMEL_WORKERS="1") as (base, process):
        service = Service(base, process.pid)
        wait_for(lambda: len(service.workers) == 2)
        yield service, process


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path) -> Home:
    return Home(tmp_path_factory.mktemp("home"), cluster=migrated_cluster)


@pytest.fixture(scope="module")
def shared(home: Home) -> Iterator[Service]:
    with serving(home) as (service, _):
        yield service


@pytest.fixture
def gallery(shared: Service) -> Iterator[str]:
    """Path of an empty one."""
    path = "/v1/galleries/staff"
    httpx2.post(f"{shared.base}/v1/galleries", json={"name": "staff"}).raise_for_status()
    yield path
    httpx2.delete(f"{shared.base}{path}").raise_for_status()


def enrol(client: httpx2.Client, gallery: str, picture: bytes) -> None:
    client.post(f"{gallery}/identities", data={"name": "Grace"}, files={"images": picture}).raise_for_status()


def found(client: httpx2.Client, gallery: str, picture: bytes) -> list[str]:
    answer = client.post(f"{gallery}/identify", files={"image": picture}).raise_for_status().json()
    return [candidate["identity"]["name"] for candidate in answer["faces"][0]["candidates"]]


def figure(client: httpx2.Client, name: str, **labels: object) -> float:
    of = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    values = re.findall(f"^{re.escape(f'{name}{{{of}}}')} (.+)$", client.get("/metrics").text, re.M)
    return float(values[0]) if values else 0.0


def test_who_is_enrolled_through_one_worker_is_found_through_the_other(
    shared: Service, gallery: str, hopper: bytes
) -> None:
    one, other = shared.workers
    with shared.through(other) as client:
        assert found(client, gallery, hopper) == []
    with shared.through(one) as client:
        enrol(client, gallery, hopper)
    with shared.through(other) as client:
        assert found(client, gallery, hopper) == ["Grace"]
    with shared.through(one) as client:
        assert found(client, gallery, hopper) == ["Grace"]

    with shared.anyone() as client:
        wait_for(lambda: all(figure(client, "gemel_index_faces", pid=pid) == 1 for pid in (one, other)))


def test_metrics_of_any_worker_tell_the_requests_of_all(shared: Service) -> None:
    def asked(client: httpx2.Client) -> float:
        return figure(client, "gemel_requests_total", method="GET", route="/v1/models", status="200")

    with shared.anyone() as client:
        before = asked(client)
    for worker in shared.workers:
        with shared.through(worker) as client:
            for _ in range(3):
                client.get("/v1/models").raise_for_status()

    one, other = shared.workers
    with shared.through(one) as client:
        wait_for(lambda: asked(client) == before + 6)
    with shared.through(other) as client:
        assert asked(client) == before + 6


def test_metrics_of_any_worker_tell_what_became_of_the_requests_of_all(
    shared: Service, gallery: str, hopper: bytes
) -> None:
    def told(client: httpx2.Client) -> tuple[float, float]:
        return (
            figure(client, "gemel_identified_faces_total", outcome="unmatched"),
            figure(client, "gemel_errors_total", code="gallery_not_found"),
        )

    with shared.anyone() as client:
        unmatched, errors = told(client)
    for worker in shared.workers:
        with shared.through(worker) as client:
            found(client, gallery, hopper)
            client.get("/v1/galleries/nothere")

    for worker in shared.workers:
        with shared.through(worker) as client:
            assert told(client) == (unmatched + 2, errors + 2)
            for pid in shared.workers:
                assert figure(client, "gemel_process_resident_memory_bytes", pid=pid) > 50e6
                assert figure(client, "gemel_database_connections_max", pid=pid) > 0


def test_a_killed_worker_is_replaced_while_the_other_answers(
    shared: Service, gallery: str, hopper: bytes
) -> None:
    def asked(client: httpx2.Client) -> float:
        return figure(client, "gemel_request_seconds_count", method="GET", route="/metrics")

    killed, left = shared.workers
    with shared.through(killed) as client:
        enrol(client, gallery, hopper)
        before = asked(client)

    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: killed not in running(shared.group))
    with shared.anyone() as client:
        assert found(client, gallery, hopper) == ["Grace"]
    wait_for(lambda: len(shared.workers - {killed}) == 2)

    [fresh] = shared.workers - {left}
    with shared.through(fresh) as client:
        assert found(client, gallery, hopper) == ["Grace"]
        assert asked(client) > before, "what the dead have counted stays"


@pytest.mark.parametrize("how", ["terminate", "interrupt"])
def test_asked_to_stop_everything_ends_and_postgresql_too(
    tmp_path: Path, migrated_cluster: Path, how: str
) -> None:
    """Terminated as a service is, the parent alone; or interrupted from a terminal, all at once."""
    with serving(Home(tmp_path, cluster=migrated_cluster)) as (_, process):
        assert (tmp_path / "postgresql" / "postmaster.pid").exists()
        if how == "terminate":
            process.terminate()
        else:
            os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=60) == 0
        wait_for(lambda: not running(process.pid))

    assert not (tmp_path / "postgresql" / "postmaster.pid").exists()
    said = (tmp_path / "server.log").read_text()
    assert said.count("Uvicorn running on http://127.0.0.1") == 1
    assert said.count("0 galleries, 0 faces enrolled, 0 indexes open") == 2, (
        "each worker logs, at the level that is set"
    )
    assert "Traceback" not in said


@pytest.mark.skipif(has_gpu(), reason="torch runs the network on a GPU")
def test_workers_that_embed_with_sface_on_a_processor_never_load_torch(
    shared: Service, gallery: str, hopper: bytes
) -> None:
    for worker in shared.workers:
        with shared.through(worker) as client:
            enrol(client, gallery, hopper)
            assert "Grace" in found(client, gallery, hopper)

        libraries = Path(f"/proc/{worker}/maps").read_text()
        assert "libopenvino" in libraries
        assert "libtorch" not in libraries


def test_workers_do_not_outlive_a_parent_that_was_killed(home: Home) -> None:
    with serving(home) as (service, process):
        process.kill()
        process.wait()
        wait_for(lambda: not running(process.pid))

        assert not ready(service.base)


def test_a_server_whose_workers_cannot_start_ends_with_a_status(home: Home) -> None:
    with home.server("--workers", "2", GEMEL_DEVICE="nothing") as (_, process):
        assert process.wait(timeout=60) == 3
        wait_for(lambda: not running(process.pid))
