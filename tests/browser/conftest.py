"""A real server, a real browser, and pages that fail their test when they do what they never should.

    def test_a_gallery_is_made(open_page: OpenPage, api: ApiClient) -> None:
        page = open_page("#/galleries")
        page.get_by_role("button", name="New gallery").click()

`open_page` opens addresses of the server of the module, which begins empty; `api` puts in what is to be
shown. `watch.expect(...)` goes before what provokes an error. Playwright waits by itself: for an element, for
`expect(locator).to_have_text(...)`; a test never sleeps.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from sqlalchemy import text

from indexer.records.database.session import Database
from indexer.settings import Settings
from tests.support.browser import chromium
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.server import served
from tests.support.browser.watch import Watch
from tests.support.browser.webcam import Webcam

PATIENCE_MS = 30_000
"""For what should be there at once: other tests share the machine."""


@pytest.fixture(scope="package")
def webcam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("webcam") / "film.mjpeg"


@pytest.fixture(scope="package")
def browser(webcam_file: Path) -> Iterator[Browser]:
    program = chromium.find()
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright, program, webcam=webcam_file)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server_settings() -> dict[str, Any]:
    """Fields of `Settings` for the module's server; a module that wants some overrides this fixture."""
    return {}


@pytest.fixture(scope="module")
def empty_database(migrated: str) -> Iterator[str]:
    """URL of the worker's database: nothing is in it, and no key is left at the end."""
    database = Database(migrated)
    with database.transaction() as session:
        session.execute(text("TRUNCATE gallery, model, process, api_key, api_key_version CASCADE"))
    yield migrated
    with database.transaction() as session:
        session.execute(text("TRUNCATE api_key, api_key_version CASCADE"))
    database.close()


@pytest.fixture(scope="module")
def server(
    empty_database: str, server_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Address of the module's server, without a slash at its end."""
    home = tmp_path_factory.mktemp("served")
    options: dict[str, Any] = {"home": home, "database_url": empty_database, "threads": 4}
    settings = Settings(**(options | server_settings))
    with served(settings) as address:
        yield address


@pytest.fixture
def api(server: str, server_settings: dict[str, Any]) -> Iterator[ApiClient]:
    """A program that asks the module's server, with the setting `api_key` if there is one.

    Galleries that a test made end with it.
    """
    key = server_settings.get("api_key")
    with ApiClient(server, headers={"X-API-Key": key} if key else {}) as client:
        yield client
        client.delete_galleries()


@pytest.fixture
def watch(server: str) -> Iterator[Watch]:
    watch = Watch(server)
    yield watch
    watch.check()


@pytest.fixture
def context(browser: Browser, watch: Watch) -> Iterator[BrowserContext]:
    """Cookies and permissions of one test."""
    context = browser.new_context(
        locale="en-GB", timezone_id="UTC", reduced_motion="reduce", viewport={"width": 1280, "height": 800}
    )
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    context.on("page", watch.follow)
    yield context
    context.close()


@pytest.fixture
def open_page(context: BrowserContext, server: str) -> OpenPage:
    return OpenPage(context, server)


@pytest.fixture
def webcam(context: BrowserContext, webcam_file: Path) -> Iterator[Webcam]:
    webcam = Webcam(context, webcam_file)
    yield webcam
    webcam.remove()
