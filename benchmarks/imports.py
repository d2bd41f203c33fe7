"""What an import costs against the networks alone and against `gemel enrol`, on the same photographs.

    python -m benchmarks.imports FOLDER [--rounds 3] [--photographs 200]

FOLDER has a folder for each person. Each round does all four, one after the other, in one process: the
networks (decode, detect, align, embed) on as many threads as imports have, an enrolment of the folder, an
import that a client sends, and the same import while a client identifies one photograph after the other. The
processor time says more than the time where other work shares the machine.
"""

import argparse
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

from fastapi.testclient import TestClient

from indexer.pipeline import people_folder
from indexer.records import embedded
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.usecases.bootstrap import Engine, import_threads
from indexer.usecases.enrol_folder import enrol_folder
from service.app import create_app

BATCH = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photographs", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = _first(options.folder, options.photographs, Path(name) / "people")
        settings = Settings(home=Path(name) / "home", allowed_hosts="testserver", log_level="warning")
        url = embedded.start(settings.home)
        database = Database(url)
        schema.migrate(database)
        database.close()
        with TestClient(create_app(settings)) as client:
            _measure(client, folder, options.rounds, import_threads(settings))
        embedded.stop(settings.home)


def _first(source: Path, photographs: int, target: Path) -> Path:
    people = people_folder.people_in(source)
    for person in people:
        for image in person.images:
            if photographs == 0:
                return target
            (target / person.folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(image, target / person.folder)
            photographs -= 1
    return target


def _measure(client: TestClient, folder: Path, rounds: int, threads: int) -> None:
    engine: Engine = client.app.state.engine  # type: ignore[attr-defined]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    probe = files[0].read_bytes()
    _identify(client, _gallery(client, "probes"), probe)  # warm
    alone = [_identify(client, "probes", probe) for _ in range(20)]
    latencies: list[float] = []
    ways: dict[str, Callable[[str], object]] = {
        "networks": lambda _: _networks(engine, files, threads),
        "gemel enrol": lambda name: enrol_folder(engine, people_folder.read(folder), name, parallel=8),
        "import": lambda name: _import(client, folder, files, name),
        "import, with searches": lambda name: _with_searches(client, folder, files, name, probe, latencies),
    }
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for number in range(rounds):
        for way, run in ways.items():
            name = _gallery(client, f"{way.split(',')[0].replace(' ', '-')}-{number}-{len(way)}")
            wall, cpu = time.perf_counter(), time.process_time()
            run(name)
            times[way].append((time.perf_counter() - wall, time.process_time() - cpu))
    print(f"{len(files)} photographs, {threads} threads, {rounds} rounds, medians")
    print(f"{'':24}{'photographs/s':>14}{'ms of processor each':>22}")
    for way, measured in times.items():
        wall, cpu = (median(column) for column in zip(*measured, strict=True))
        print(f"{way:24}{len(files) / wall:14.1f}{1e3 * cpu / len(files):22.1f}")
    for label, found in (("alone", alone), ("during an import", latencies)):
        ordered = sorted(found)
        print(
            f"a search {label}: median {1e3 * median(ordered):.0f} ms,"
            f" 95th percentile {1e3 * ordered[int(0.95 * (len(ordered) - 1))]:.0f} ms ({len(ordered)})"
        )


def _gallery(client: TestClient, name: str) -> str:
    client.post("/v1/galleries", json={"name": name}).raise_for_status()
    return name


def _networks(engine: Engine, files: list[Path], threads: int) -> None:
    def embed(path: Path) -> None:
        found = engine.pipeline.detect(path.read_bytes(), Stopwatch(), max_faces=1, detail=2.0)
        engine.pipeline.embed(found.faces, Stopwatch())

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(embed, files))


def _import(client: TestClient, folder: Path, files: list[Path], gallery: str) -> None:
    path = f"/v1/galleries/{gallery}/imports"
    one = f"{path}/{client.post(path, json={}).raise_for_status().json()['id']}"
    for start in range(0, len(files), BATCH):
        some = files[start : start + BATCH]
        sent = [("files", (file.relative_to(folder).as_posix(), file.read_bytes())) for file in some]
        client.post(f"{one}/files", files=sent).raise_for_status()
    state = client.post(f"{one}/finish").raise_for_status().json()["state"]
    while state != "done":
        time.sleep(0.1)
        state = client.get(one).raise_for_status().json()["state"]


def _with_searches(
    client: TestClient, folder: Path, files: list[Path], gallery: str, probe: bytes, latencies: list[float]
) -> None:
    ended = threading.Event()

    def search() -> None:
        while not ended.is_set():
            latencies.append(_identify(client, "probes", probe))
            ended.wait(0.3)

    searching = threading.Thread(target=search)
    searching.start()
    try:
        _import(client, folder, files, gallery)
    finally:
        ended.set()
        searching.join()


def _identify(client: TestClient, gallery: str, probe: bytes) -> float:
    """Seconds."""
    start = time.perf_counter()
    client.post(f"/v1/galleries/{gallery}/identify", files={"image": probe}).raise_for_status()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
