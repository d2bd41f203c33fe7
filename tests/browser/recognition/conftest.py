"""Pictures to be dropped, pasted and chosen."""

import base64
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, Route
from sqlalchemy import text

from indexer.records.database.session import Database
from tests.support.browser.watch import Watch
from tests.support.pictures import jpeg, pixels

DROP = """([data, name, type]) => {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type}));
    const target = document.querySelector("main");
    const how = {bubbles: true, cancelable: true};
    if (name === "pasted") {
        document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: transfer, ...how}));
    } else {
        target.dispatchEvent(new DragEvent("dragover", {dataTransfer: transfer, ...how}));
        target.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, ...how}));
    }
}"""

Drop = Callable[..., None]


@pytest.fixture
def drop() -> Drop:
    """`drop(page, picture)`: on the page's main part; `name="pasted"`: from the clipboard."""

    def drop(page: Page, picture: bytes, *, name: str = "picture.jpg", type: str = "image/jpeg") -> None:
        page.evaluate(DROP, [base64.b64encode(picture).decode(), name, type])

    return drop


def file(picture: bytes, name: str = "picture.jpg") -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": picture}


@pytest.fixture(scope="session")
def couple(hopper: bytes, collins: bytes) -> bytes:
    """Grace Hopper at the left and Eileen Collins at the right, one picture."""
    left, right = pixels(hopper), pixels(collins)
    height = max(left.shape[0], right.shape[0])
    picture = np.full((height, left.shape[1] + right.shape[1], 3), 128, np.uint8)
    picture[: left.shape[0], : left.shape[1]] = left
    picture[: right.shape[0], left.shape[1] :] = right
    return jpeg(picture)


@pytest.fixture
def watch_unprocessable(watch: Watch) -> None:
    """The server answers 422 once or more; the browser writes that into its console."""
    watch.expect("status of 422")


@pytest.fixture
def watch_unsupported(watch: Watch) -> None:
    """A file is no picture: neither the browser nor the server can read it."""
    watch.expect("status of 415")


@pytest.fixture
def drawn(context: BrowserContext, empty_database: str) -> list[str]:
    """What every challenge draws: the movements of which there are frames."""
    movements = ["turn_left", "look_up", "look_down"]

    def draw(route: Route) -> None:
        response = route.fetch()
        database = Database(empty_database)
        with database.transaction() as session:
            session.execute(text("UPDATE liveness_challenge SET movements = :names"), {"names": movements})
        database.close()
        route.fulfill(response=response, json=response.json() | {"movements": movements})

    context.route("**/liveness/challenges", draw)
    return movements
