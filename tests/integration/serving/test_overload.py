"""A real server, and more requests than it can answer."""

import threading
from pathlib import Path

import httpx2

from benchmarks.open_loop import Load, send
from benchmarks.overload import prepared_request
from tests.support.home import Home, wait_for


def test_an_overloaded_server_rejects_what_is_too_much_and_answers_the_rest(
    tmp_path: Path, migrated_cluster: Path
) -> None:
    """No error but 503. Health checks and metrics are answered meanwhile, and everybody afterwards."""
    home = Home(tmp_path, cluster=migrated_cluster)
    with home.server(GEMEL_LOG_LEVEL="warning", GEMEL_MAX_REQUESTS="16") as (base, _):
        httpx2.post(f"{base}/v1/galleries", json={"name": "staff"}).raise_for_status()
        load = Load(port=int(base.rpartition(":")[2]), request=prepared_request("staff"), seconds=4, rate=250)
        beside: list[int] = []
        ended = threading.Event()

        def watch() -> None:
            with httpx2.Client(base_url=base, timeout=60) as client:
                while not ended.is_set():
                    beside.extend(client.get(path).status_code for path in ("/healthz", "/metrics"))

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            answers = send(load)
        finally:
            ended.set()
            watching.join()
        wait_for(lambda: "no longer overloaded" in _log_after(base, tmp_path))
        with httpx2.Client(base_url=base, timeout=60) as client:
            after = [client.get("/v1/galleries").status_code for _ in range(20)]

    assert set(answers.ms) == {200, 503}
    assert set(beside) == {200}
    assert after == [200] * 20


def _log_after(base: str, folder: Path) -> str:
    """The log once another request has been answered: overload ends with the first one that arrives."""
    httpx2.get(f"{base}/v1/galleries", timeout=60)
    return (folder / "server.log").read_text()
