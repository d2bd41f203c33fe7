"""Attributes of faces on Identify and Verify: asked for by a choice, shown in words."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.recognition.conftest import file
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.pictures import jpeg, pixels
from tests.support.weights import attributes_mirror, needs_attributes

pytestmark = needs_attributes


@pytest.fixture(scope="module")
def server_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An installation that permits three attributes, and has their weights."""
    folder: Path = tmp_path_factory.mktemp("mirror")
    return {"model_mirror": str(attributes_mirror(folder)), "attributes": "expression,liveness,quality"}


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


def test_a_gallery_is_set_to_let_prints_match_nobody_and_the_change_is_undone(
    open_page: OpenPage, api: ApiClient
) -> None:
    api.create_gallery("door")
    page = open_page("#/galleries/door", width=360)
    policy = page.get_by_label("If a face may be a print")
    policy.select_option(label="It matches nobody and is not enrolled")
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert api.get("/v1/galleries/door").json()["liveness"] == "reject"
    page.get_by_role("button", name="Undo").click()
    expect(policy).to_have_value("off")
    assert api.get("/v1/galleries/door").json()["liveness"] == "off"


def test_identify_says_what_would_help_for_a_better_picture(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    api.create_gallery("staff")
    page = open_page("#/galleries/staff/identify?say=quality", width=360)
    expect(page.get_by_role("checkbox", name="Advice")).to_be_checked()
    choose(page, "Drop a photograph here", jpeg(pixels(hopper)[::8, ::8]))
    card = page.locator(".face-card")
    expect(card.locator(".quality")).to_contain_text("What would help: come nearer to the camera")
    expect(card.get_by_role("definition")).to_contain_text("come nearer to the camera")


def test_an_address_that_names_what_the_gallery_forbids_searches_without_it(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    api.create_gallery("staff")
    api.patch("/v1/galleries/staff", json={"attributes": []})
    page = open_page("#/galleries/staff/identify?say=expression")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/attributes", hold)
    page.reload()
    choose(page, "Drop a photograph here", hopper)
    expect(page.locator(".identify-result")).not_to_be_empty()
    held[0].continue_()
    expect(page.locator(".face-card")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
