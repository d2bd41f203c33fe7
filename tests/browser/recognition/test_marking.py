"""A face that the detector missed: somebody draws a box around it, with the mouse or the arrow keys."""

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.recognition.conftest import file
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage, width_when_loaded
from tests.support.pictures import jpeg


@pytest.fixture
def page(open_page: OpenPage, api: ApiClient, hopper: bytes) -> Page:
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper)
    return open_page("#/galleries/staff/identify")


def mark(page: Page, picture: bytes) -> Locator:
    page.get_by_label("Drop a photograph here").set_input_files(file(picture))
    page.get_by_role("button", name="Mark a face that was missed").press("Enter")
    box = page.get_by_role("button", name="Box around the face")
    expect(box).to_be_focused()
    return box


def test_a_face_is_marked_with_the_mouse_and_enrolled_by_its_box(
    page: Page, api: ApiClient, couple: bytes, collins: bytes
) -> None:
    found = api.post("/v1/detect", files={"image": couple}).json()
    right = max(found["faces"], key=lambda face: face["box"]["x"])
    mark(page, couple)
    shown = page.locator(".answer-picture img")
    width = width_when_loaded(shown)
    at = shown.bounding_box()
    assert at is not None
    scale = at["width"] / width
    x, y = at["x"] + right["box"]["x"] * scale, at["y"] + right["box"]["y"] * scale
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right["box"]["width"] * scale, y + right["box"]["height"] * scale)
    page.mouse.up()
    page.get_by_role("button", name="Search for this face").click()

    card = page.locator("details").filter(has=page.get_by_role("heading", name="Face 3: Not enrolled"))
    expect(card).to_be_visible()
    card.get_by_role("textbox", name="Name").fill("Eileen Collins")
    card.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("heading", name="Face 3: Eileen Collins")).to_be_visible()
    [first, *_] = api.identify("staff", collins)["faces"][0]["candidates"]
    assert (first["matched"], first["identity"]["name"]) == (True, "Eileen Collins")


def test_a_box_is_moved_and_sized_with_the_arrow_keys(page: Page) -> None:
    box = mark(page, jpeg(np.full((400, 400, 3), 128, np.uint8)))
    expect(page.get_by_role("heading", name="No face was found.")).to_be_visible()
    before = box.bounding_box()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowRight"):
        page.keyboard.press(key)
    after = box.bounding_box()
    assert before is not None
    assert after is not None
    assert (after["x"] > before["x"], after["y"] > before["y"], after["width"] > before["width"]) == (
        True,
    ) * 3
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert not accessibility.violations(page), theme
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Mark a face that was missed")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Face 1: Cannot tell")).to_be_visible()
    expect(page.get_by_role("heading", name="One face is too poor to tell.")).to_be_visible()
