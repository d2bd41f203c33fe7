"""How quick the console's page of 100,000 people is: pages of the API, first paint, frames while it scrolls.

    python -m benchmarks.console_people [--people 100000] [--seconds 6] [--unnamed]

A real server and Chromium, on a temporary PostgreSQL. Frames are those that were drawn, by its own trace;
beside them are the intervals between animation frames, as a page sees them. Crops repeat a few pictures.
`--unnamed`: nobody has a name, and one in fifty has twenty faces; the page is that of unnamed people, who are
in the order of the number of their faces.
"""

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import PIL.Image
from playwright.sync_api import CDPSession, Page, sync_playwright
from sqlalchemy import text

from benchmarks.gallery import GALLERY
from benchmarks.server import Server, serve
from indexer import samples
from indexer.records import embedded
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.records.enrolled.words import search_words
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Crop
from indexer.usecases.bootstrap import open_pipeline
from tests.support.browser import chromium

WINDOW = {"width": 1280, "height": 800}
SCROLL_PX_PER_SECOND = 4_000
REPETITIONS = 30
QUALITY = json.dumps(dict.fromkeys(("size", "sharpness", "exposure", "pose"), 90))
DEPARTMENTS = ("computing", "mathematics", "sales", "human resources")

NOTE_FRAMES = """() => {
    window.frames_ = [];
    let last = performance.now();
    const note = now => {
        window.frames_.push(now - last);
        last = now;
        window.noting = requestAnimationFrame(note);
    };
    window.noting = requestAnimationFrame(note);
}"""
TAKE_FRAMES = "() => { cancelAnimationFrame(window.noting); return window.frames_.slice(2); }"
VISIBLE_LOADED = """() => {
    const cells = document.querySelectorAll(".virtual-grid [role=listitem]:not([hidden])");
    const inside = [...cells].filter(cell => {
        const box = cell.getBoundingClientRect();
        return box.bottom > 0 && box.top < innerHeight;
    });
    return inside.length > 0 && inside.every(cell => cell.querySelector("img")?.complete);
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each way to scroll")
    parser.add_argument("--unnamed", action="store_true", help="people whom nobody has named")
    options = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-bench-")))
        stack.callback(embedded.stop, home)
        url = embedded.start(home)
        fill(url, options.people)
        if options.unnamed:
            unname(url)
        server = stack.enter_context(serve(url, home, settings={"GEMEL_AUDIT": "on"}))
        server.wait(lambda connection: _status(connection, f"/v1/galleries/{GALLERY}"))
        measure_api(server, options.people, options.unnamed)
        measure_page(server, options.people, options.seconds, options.unnamed)


def _status(connection: Any, path: str) -> int:
    connection.request("GET", path)
    return int(connection.getresponse().status)


def fill(url: str, count: int) -> None:
    """People with a name, an external id, metadata and one face with a crop, but no embeddings."""
    database = Database(url)
    schema.migrate(database)
    crops = sample_crops()
    print(f"{count:,} people; crops of {', '.join(f'{len(crop.jpeg):,}' for crop in crops)} bytes")
    words = [
        {"words": search_words.document("Person", f"E-{n}", {"department": name, "n": n})}
        for n, name in enumerate(DEPARTMENTS)
    ]
    with database.transaction(long=True) as session:
        session.execute(
            text("INSERT INTO gallery (id, name, store_crops) VALUES (gen_random_uuid(), :name, true)"),
            {"name": GALLERY},
        )
        session.execute(text("CREATE TEMPORARY TABLE kind (n serial, words tsvector)"))
        session.execute(text("INSERT INTO kind (words) VALUES (CAST(:words AS tsvector))"), words)
        session.execute(text("CREATE TEMPORARY TABLE picture (n serial, crop bytea, landmarks real[])"))
        session.execute(
            text("INSERT INTO picture (crop, landmarks) VALUES (:crop, CAST(:landmarks AS real[]))"),
            [{"crop": crop.jpeg, "landmarks": crop.landmarks.ravel().tolist()} for crop in crops],
        )
        for statement in (
            "INSERT INTO identity (id, gallery_id, name, external_id, metadata, name_words, search_words)"
            " SELECT uuidv7(i * interval '1 second' - interval '1 year'), gallery.id, 'Person ' || i,"
            " 'E-' || i, jsonb_build_object('n', i), to_tsvector('simple', 'person ' || i),"
            " to_tsvector('simple', 'person ' || i) || kind.words"
            " FROM gallery, generate_series(1, :count) i JOIN kind ON kind.n = 1 + i % 4",
            "INSERT INTO face (key, id, identity_id, box, landmarks, confidence, quality,"
            " quality_components, image_sha256, crop, crop_landmarks)"
            " SELECT row_number() OVER (ORDER BY id), gen_random_uuid(), id, array_fill(1::real, '{4}'),"
            " landmarks, 1, 100, :quality, sha256(id::text::bytea), crop, landmarks"
            " FROM identity JOIN picture ON picture.n = 1 + identity.number % (SELECT count(*) FROM picture)",
            "UPDATE gallery SET face_count = :count",
        ):
            session.execute(text(statement), {"count": count, "quality": QUALITY})
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    database.close()


def unname(url: str) -> None:
    database = Database(url)
    with database.transaction(long=True) as session:
        for statement in (
            "UPDATE identity SET name = NULL, external_id = NULL, anonymous = true",
            "INSERT INTO face (key, id, identity_id, box, landmarks, confidence, quality,"
            " quality_components, image_sha256, crop, crop_landmarks)"
            " SELECT row_number() OVER () + (SELECT max(key) FROM face), gen_random_uuid(), identity_id, box,"
            " landmarks, 1, 100, quality_components, sha256(gen_random_uuid()::text::bytea), crop,"
            " crop_landmarks FROM face JOIN identity ON identity.id = face.identity_id,"
            " generate_series(1, 19) WHERE identity.number % 50 = 0",
            "UPDATE gallery SET face_count = (SELECT count(*) FROM face)",
        ):
            session.execute(text(statement))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    database.close()


def sample_crops() -> list[Crop]:
    """Of the public-domain portraits that installed packages bring, at the size of people's snapshots."""
    with open_pipeline(Settings()) as pipeline:
        return [
            pipeline.detect(_small(samples.read(sample.id)[1]), Stopwatch(), max_faces=1).crops()[0]
            for sample in samples.installed()
        ]


def _small(photograph: bytes) -> bytes:
    file = io.BytesIO()
    with PIL.Image.open(io.BytesIO(photograph)) as image:
        image.thumbnail((300, 300))
        image.convert("RGB").save(file, "JPEG", quality=92)
    return file.getvalue()


def measure_api(server: Server, people: int, unnamed: bool) -> None:
    connection = server.connection()
    order = "faces&anonymous=true" if unnamed else "newest"
    base = f"/v1/galleries/{GALLERY}/identities?max_faces=1&limit=60&order={order}"
    pages = {
        "first page, with total": f"{base}&with_total=true",
        "page in the middle": f"{base}&offset={people // 2}",
        "last page": f"{base}&offset={people - 60}",
    }
    searches = {
        "search of one, with total": f"{base}&q=person+{people // 2}&with_total=true",
        "search of a quarter, with total": f"{base}&q=department:computing&with_total=true",
        "last page of a quarter": f"{base}&q=department:computing&offset={people // 4 - 60}",
    }
    for name, path in (pages if unnamed else pages | searches).items():
        print(f"{name:34} {_milliseconds(_times(connection, path))}")
    connection.request("GET", base)
    person, *_ = json.loads(connection.getresponse().read())["identities"]
    path = f"/v1/galleries/{GALLERY}/identities/{person['id']}/faces/{person['faces'][0]['id']}/crop"
    for size in ("?size=64", "?size=128", "?size=192", ""):
        print(f"{'crop ' + (size or 'as stored'):34} {_milliseconds(_times(connection, path + size))}")


def _times(connection: Any, path: str) -> list[float]:
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, body)
        times.append(1000 * (time.perf_counter() - start))
    return times


def _milliseconds(times: Sequence[float]) -> str:
    late = sorted(times)[int(0.95 * len(times))]
    return f"median {statistics.median(times):6.1f} ms, 95 % below {late:6.1f} ms"


def measure_page(server: Server, people: int, seconds: float, unnamed: bool) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        page = browser.new_page(viewport=WINDOW)  # type: ignore[arg-type]
        start = time.perf_counter()
        view = "?show=unnamed" if unnamed else ""
        page.goto(f"http://127.0.0.1:{server.port}/#/galleries/{GALLERY}/people{view}")
        page.wait_for_function(VISIBLE_LOADED)
        shown = time.perf_counter() - start
        paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        print(f"first paint {paint:.0f} ms; all visible crops after {1000 * shown:.0f} ms")
        devtools = page.context.new_cdp_session(page)
        for name, distance in (
            ("wheel, slowly", 1_000),
            ("wheel, fast", SCROLL_PX_PER_SECOND),
            ("fling", 5 * SCROLL_PX_PER_SECOND),
        ):
            _scroll(page, devtools, name, distance, seconds)
        for place in (0.5, 1.0, 0.25):
            start = time.perf_counter()
            page.evaluate("share => scrollTo(0, share * document.documentElement.scrollHeight)", place)
            page.wait_for_timeout(0)
            page.wait_for_function(VISIBLE_LOADED)
            print(
                f"jump to {place:.0%}: all visible crops after {1000 * (time.perf_counter() - start):.0f} ms"
            )
        cells = page.evaluate("document.querySelectorAll('.virtual-grid > *').length")
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        print(f"cells in the document: {cells} of {people:,}; {heap:.0f} MB of JavaScript objects")
        browser.close()


def _scroll(page: Page, devtools: CDPSession, name: str, px_per_second: int, seconds: float) -> None:
    """Back and forth, as fast as the gesture says, with the trace on."""
    events: list[dict[str, Any]] = []
    devtools.on("Tracing.dataCollected", lambda part: events.extend(part["value"]))
    categories = ["disabled-by-default-devtools.timeline.frame", "devtools.timeline.frame"]
    config = {"transferMode": "ReportEvents", "traceConfig": {"includedCategories": categories}}
    devtools.send("Tracing.start", config)
    page.evaluate(NOTE_FRAMES)
    start = time.perf_counter()
    gesture = {"x": 700, "y": 500, "yDistance": -round(px_per_second * seconds), "speed": px_per_second}
    devtools.send("Input.synthesizeScrollGesture", gesture)
    elapsed = time.perf_counter() - start
    intervals = page.evaluate(TAKE_FRAMES)
    ended: list[Any] = []
    devtools.once("Tracing.tracingComplete", lambda event: ended.append(event))
    devtools.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(50)
    drawn = sum(event["name"] == "DrawFrame" for event in events)
    dropped = sum(event["name"] == "DroppedFrame" for event in events)
    late = sum(interval > 34 for interval in intervals)
    longest = sorted(intervals)[int(0.99 * len(intervals))]
    print(
        f"{name:16} {px_per_second:6,} px/s: {drawn / elapsed:5.1f} frames drawn a second (trace), {dropped}"
        f" dropped; animation frames {1000 / statistics.mean(intervals):5.1f}/s, 99 % within"
        f" {longest:.0f} ms, {late} of {len(intervals)} later than 34 ms"
    )


if __name__ == "__main__":
    main()
