"""Attributes of faces on Identify and Verify: asked for by a choice, shown in words."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.recognition.conftest import file
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.weights import attributes_mirror, needs_attributes

pytestmark = needs_attributes


@pytest.fixture(scope="module")
def server_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An installation that permits two attributes, and has the weights of one at least."""
    folder: Path = tmp_path_factory.mktemp("mirror")
    return {"model_mirror": str(attributes_mirror(folder)), "attributes": "expression,occlusion"}


def choose(page: Page, label: str, picture: bytes) -> None:
    page.get_by_label(label, exact=True).set_input_files(file(picture))


def test_identify_says_nothing_of_a_face_until_it_is_asked(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper)
    page = open_page("#/galleries/staff/identify", width=360)
    choose(page, "Drop a photograph here", hopper)
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()
    value = page.get_by_role("term").filter(has_text="Expression")
    expect(value).to_have_count(0)

    page.get_by_text("Also estimate").click()
    expect(page.get_by_role("checkbox", name="Gender")).to_have_count(0)
    page.get_by_role("checkbox", name="Expression").check()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert accessibility.violations(page) == [], theme
    page.get_by_role("button", name="Search again").click()
    expect(value).to_be_visible()
    expect(page.get_by_role("definition")).to_have_text(re.compile(r"^\w+ \(\d+ %\)$|^cannot tell: "))

    page.reload()
    expect(page.get_by_role("checkbox", name="Expression")).to_be_checked()
    expect(page).to_have_url(re.compile("say=expression"))


def test_verify_says_it_of_both_pictures_and_a_gallery_may_forbid_it(
    open_page: OpenPage, api: ApiClient, hopper: bytes, collins: bytes
) -> None:
    api.create_gallery("staff")
    page = open_page("#/galleries/staff/verify?say=expression")
    expect(page.get_by_role("checkbox", name="Expression")).to_be_checked()
    choose(page, "Drop a photograph", hopper)
    choose(page, "Drop the other photograph", collins)
    expect(page.get_by_role("term").filter(has_text="Expression")).to_have_count(2)
    page.get_by_role("checkbox", name="Expression").uncheck()
    expect(page.get_by_role("term")).to_have_count(0)
    expect(page.locator(".verdict h2")).to_be_visible()

    api.patch("/v1/galleries/staff", json={"attributes": []})
    page.reload()
    expect(page.get_by_label("Drop a photograph", exact=True)).to_be_attached()
    expect(page.get_by_text("Also estimate")).to_be_hidden()
