"""Liveness: movements before the camera, frames as files, and what the page says of them."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from tests.browser.recognition.conftest import file
from tests.browser.recognition.test_live import HIDE
from tests.support.browser import accessibility
from tests.support.browser.acting import act, turning_and_nodding
from tests.support.browser.pages import OpenPage, width_when_loaded
from tests.support.browser.watch import Watch
from tests.support.browser.webcam import Webcam
from tests.support.clips import presented, turning_head
from tests.support.weights import attributes_mirror, needs_liveness

pytestmark = needs_liveness

PAGE = "#/liveness"
STEPS_MS = 120_000
"""The steps take 20 seconds; then the frames are judged, on a machine that other tests share."""
DROP = "Or drop 3 to 10 frames of one person here, or a clip"
FRONT, LEFT, UP, DOWN = 50, 72, 118, 159
"""Frames of a man who turns and nods."""


@pytest.fixture(scope="module")
def server_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder: Path = tmp_path_factory.mktemp("mirror")
    return {"model_mirror": str(attributes_mirror(folder))}


@pytest.fixture(scope="module")
def turning() -> bytes:
    return turning_head(FRONT, LEFT, UP, DOWN)


def payload(number: int) -> FilePayload:
    return file(presented(number), f"{number}.jpg")


def assert_accessible(page: Page) -> None:
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert accessibility.violations(page) == [], theme
    assert page.evaluate("document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth")


def test_somebody_who_does_what_the_page_says_is_live(
    open_page: OpenPage, context: BrowserContext, drawn: list[str]
) -> None:
    act(context, turning_and_nodding())
    page = open_page(PAGE, width=360)
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("Turn your head to your left", exact=True)).to_be_visible()
    assert_accessible(page)

    expect(page.get_by_role("heading", name="A living person", exact=True)).to_be_visible(timeout=STEPS_MS)
    shown = page.get_by_role("definition").filter(has_text="turn left, then look up, then look down")
    expect(shown).to_have_count(2)
    frames = page.locator(".liveness-frames").get_by_role("figure")
    expect(frames).to_have_count(8)
    expect(frames.nth(1)).to_contain_text(re.compile(r"Person: \d+ %.*° to their left", re.DOTALL))
    assert_accessible(page)


def test_a_photograph_before_the_camera_is_not_live_and_the_page_says_what_to_do(
    open_page: OpenPage, webcam: Webcam, hopper: bytes
) -> None:
    webcam.show(hopper)
    page = open_page(f"{PAGE}?movements=0")
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Begin").click()
    assert page.locator("video").evaluate("video => getComputedStyle(video).transform") == (
        "matrix(-1, 0, 0, 1, 0, 0)"
    ), "people know themselves from mirrors"
    expect(page.get_by_role("heading", name=re.compile("Cannot tell|An attack"))).to_be_visible(
        timeout=STEPS_MS
    )
    expect(page.get_by_text("The frames look like one photograph that was moved.")).to_be_visible()
    expect(page.get_by_text("Move the head while the frames are taken.")).to_be_visible()
    expect(page.locator("video")).to_have_count(0)


def test_frames_are_checked_in_the_order_of_their_names(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    field = page.get_by_label(DROP)
    field.set_input_files([payload(FRONT), payload(LEFT)])
    expect(page.get_by_text("Choose 3 to 10 frames of one person")).to_be_visible()

    field.set_input_files([payload(number) for number in (DOWN, UP, LEFT, FRONT)])
    expect(page.get_by_role("heading", name="A living person", exact=True)).to_be_visible(timeout=STEPS_MS)
    expect(page.get_by_text("Choose 3 to 10 frames")).to_have_count(0)
    widths = [width_when_loaded(frame) for frame in page.locator(".liveness-frames img").all()]
    assert widths == [452, 467, 471, 443], "those of 50, 72, 118 and 159"


def test_a_clip_is_checked_and_its_frames_are_shown(
    open_page: OpenPage, watch: Watch, turning: bytes
) -> None:
    page = open_page(PAGE, width=360)
    clip: FilePayload = {"name": "clip.webm", "mimeType": "video/webm", "buffer": turning}
    page.get_by_label(DROP).set_input_files([clip])
    expect(page.get_by_role("heading", name="A living person", exact=True)).to_be_visible(timeout=STEPS_MS)
    images = page.locator(".liveness-frames img")
    expect(images).to_have_count(10)
    assert set(images.evaluate_all("images => images.map(i => i.naturalHeight)")) == {640}
    expect(page.get_by_text("at 0.0 s")).to_be_visible()
    assert_accessible(page)

    watch.expect("status of 422")
    page.get_by_label(DROP).set_input_files([clip | {"buffer": turning[:100]}])
    expect(page.get_by_text("The clip is damaged, or has no video.")).to_be_visible(timeout=STEPS_MS)


def test_the_camera_goes_off_with_the_window_and_a_missing_one_offers_files(
    open_page: OpenPage, webcam: Webcam, hopper: bytes
) -> None:
    webcam.show(hopper)
    page = open_page(PAGE)
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Begin").focus()
    page.evaluate("() => (window.tracks = document.querySelector('video').srcObject.getTracks())")
    page.evaluate(HIDE)
    expect(page.get_by_role("button", name="Turn the camera on again")).to_be_visible()
    assert page.evaluate("() => window.tracks.every(track => track.readyState === 'ended')")

    webcam.deny()
    page = open_page(PAGE)
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert").filter(has_text="does not allow this page")).to_be_visible()
    with page.expect_file_chooser():
        page.get_by_role("button", name="Choose frames or a clip").click()
