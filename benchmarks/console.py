"""How soon each page of the console is there, and what it loads: the browser's own paint timing.

Each page is opened in a browser without a cache (cold) and again in the same one (warm), on a gallery with
the sample portraits. The first page is that of an empty installation. `first paint` is the first contentful
paint, `main paint` the largest: the moment at which the page looks complete. Times are medians of the rounds.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Request, expect, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.server import readiness, serve
from indexer.records import embedded
from indexer.records.database import schema
from indexer.records.database.session import Database
from tests.support.browser import chromium, demo
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.routes import routes

FIRST = "first page"
PAINTS = """async () => {
    const entries = type => new Promise(done =>
        new PerformanceObserver(list => done(list.getEntries())).observe({type, buffered: true}));
    const [paints, largest] = await Promise.all([entries("paint"), entries("largest-contentful-paint")]);
    return {
        first_ms: paints.find(({name}) => name === "first-contentful-paint").startTime,
        main_ms: largest.at(-1).startTime,
    };
}"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", help="names of pages, as in routes.js")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    expect.set_options(timeout=60_000)
    figures = measure(arguments.rounds, arguments.only)
    show(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


def measure(rounds: int, only: list[str] | None) -> dict[str, dict[str, float]]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = embedded.start(home)
        stack.callback(embedded.stop, home)
        database = Database(url)
        schema.migrate(database)
        database.close()
        server = stack.enter_context(serve(url, home))
        server.wait(readiness)
        address = f"http://127.0.0.1:{server.port}"
        playwright = stack.enter_context(sync_playwright())
        browser = chromium.launch(playwright, chromium.find(), webcam=home / "none.mjpeg")
        figures = {FIRST: page_figures(browser, address, "", rounds)}
        with ApiClient(address) as api:
            parts = demo.fill(api)
        for route in routes():
            if not only or route.name in only:
                figures[route.name] = page_figures(browser, address, route.address(parts), rounds)
        browser.close()
    return figures


def page_figures(browser: Browser, server: str, address: str, rounds: int) -> dict[str, float]:
    loads = [load for _ in range(rounds) for load in cold_and_warm(browser, server, address)]
    return {
        f"{kind}_{name}": statistics.median(load[name] for load in loads if load["kind"] == kind)
        for kind in ("cold", "warm")
        for name in ("first_ms", "main_ms", "bytes", "requests")
    }


def cold_and_warm(browser: Browser, server: str, address: str) -> Iterator[dict[str, Any]]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    answered: list[Request] = []
    context.on("requestfinished", lambda request: answered.append(request))
    open_page = OpenPage(context, server)
    for kind in ("cold", "warm"):
        answered.clear()
        page = open_page(address)
        sizes = [request.sizes() for request in answered]
        received = sum(size["responseHeadersSize"] + size["responseBodySize"] for size in sizes)
        yield {"kind": kind, "bytes": received, "requests": len(sizes), **page.evaluate(PAINTS)}
        page.close()
    context.close()


def show(figures: dict[str, dict[str, float]]) -> None:
    table = Table("page", *(f"{kind} {name}" for kind in ("cold", "warm") for name in _COLUMNS))
    for page, of in figures.items():
        row = []
        for kind in ("cold", "warm"):
            row += [f"{of[f'{kind}_first_ms']:.0f} ms", f"{of[f'{kind}_main_ms']:.0f} ms"]
            row += [f"{of[f'{kind}_bytes'] / 1000:.0f} kB", f"{of[f'{kind}_requests']:.0f}"]
        table.add_row(page, *row)
    Console(width=160).print(table)


_COLUMNS = ("first paint", "main paint", "received", "requests")


if __name__ == "__main__":
    main()
