"""Somebody who leaves while the browser still asks for the camera does not get it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.recognition.test_live import HIDE
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.webcam import Webcam
from tests.support.weights import attributes_mirror, needs_liveness

pytestmark = needs_liveness  # for the page Liveness

ASKS = """(() => {
    if (!navigator.mediaDevices) return;  // the empty page before the first one
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    const answered = new Promise((resolve) => (window.allow = resolve));
    navigator.mediaDevices.getUserMedia = async (wish) => {
        window.asked = true;
        await answered;
        const stream = await open(wish);
        window.tracks = stream.getTracks();
        return stream;
    };
})()"""
"""Until `allow` is called, the browser waits for its user."""
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def server_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("mirror")
    return {"model_mirror": str(attributes_mirror(folder))}


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel").click()


def turn_off(page: Page) -> None:
    page.get_by_role("button", name="Turn the camera off").click()


def hide(page: Page) -> None:
    page.evaluate(HIDE)


@pytest.mark.parametrize(
    ("address", "button", "leave"),
    [
        ("#/try", "Use the camera", cancel),
        ("#/try", "Use the camera", hide),
        ("#/liveness", "Use the camera", turn_off),
        ("#/liveness", "Use the camera", hide),
        ("#/galleries/staff/identify", "Identify live", turn_off),
        ("#/galleries/staff/identify", "Identify live", hide),
    ],
)
def test_the_camera_goes_off_at_once_if_it_is_allowed_too_late(
    open_page: OpenPage,
    api: ApiClient,
    context: BrowserContext,
    webcam: Webcam,
    hopper: bytes,
    address: str,
    button: str,
    leave: object,
) -> None:
    assert callable(leave)
    api.create_gallery("staff")
    webcam.show(hopper)
    context.add_init_script(ASKS)
    page = open_page(address)
    page.get_by_role("button", name=button).click()
    page.wait_for_function("() => window.asked")
    leave(page)

    page.evaluate("() => window.allow()")
    page.wait_for_function("() => window.tracks?.every((track) => track.readyState === 'ended')")
    page.evaluate(PAINTED)
    expect(page.get_by_text("The camera is on")).to_have_count(0)
    expect(page.locator("video")).to_have_count(0)
