"""Takes a picture of each page of the console, in both themes and three widths, to be looked at.

python -m docs.scripts.screenshots [--out FOLDER] [--only people try] [--people FOLDER] [--width 1280]

It serves a gallery of its own with the sample portraits; `--people` adds photographs, which are then in the
pictures: none of them may go into the repository unless the photographs may.
"""

import argparse
import tempfile
from pathlib import Path
from typing import get_args

from playwright.sync_api import expect, sync_playwright

from indexer.records import embedded
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.settings import Settings
from tests.support.browser import chromium, demo
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage, Theme
from tests.support.browser.routes import routes
from tests.support.browser.server import served

WIDTHS = {360: 740, 1280: 800, 2560: 1440}
"""Of windows, each with its height, in CSS pixels."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--only", nargs="*", help="names of pages, as in routes.js")
    parser.add_argument("--people", type=Path, help="a folder with a folder of photographs for each person")
    parser.add_argument("--width", type=int, choices=WIDTHS, action="append", help="default: all three")
    parser.add_argument("--viewport", action="store_true", help="what a window shows, not the whole page")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000)
    with tempfile.TemporaryDirectory(prefix="gemel-screenshots-") as folder:
        home = Path(folder)
        url = embedded.start(home)
        try:
            database = Database(url)
            schema.migrate(database)
            database.close()
            with served(Settings(home=home, database_url=url)) as address:
                take_all(address, options)
        finally:
            embedded.stop(home)


def take_all(address: str, options: argparse.Namespace) -> None:
    with ApiClient(address) as api:
        parts = demo.fill(api, people=options.people)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as film:
        browser = chromium.launch(playwright, chromium.find(), webcam=Path(film) / "none.mjpeg")
        context = browser.new_context(locale="en-GB", reduced_motion="reduce")
        open_page = OpenPage(context, address)
        for route in routes():
            if options.only and route.name not in options.only:
                continue
            for width in options.width or WIDTHS:
                for theme in get_args(Theme):
                    page = open_page(route.address(parts), theme=theme, width=width, height=WIDTHS[width])
                    file = options.out / f"{route.name}-{width}-{theme}.png"
                    page.screenshot(path=file, full_page=not options.viewport)
                    page.close()
            print(route.name)
        browser.close()


if __name__ == "__main__":
    main()
