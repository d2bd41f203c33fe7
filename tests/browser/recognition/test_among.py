"""Identify among some people: conditions on their metadata, without unnamed people, in several galleries."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.recognition.conftest import file
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage

PAGE = "#/galleries/staff/identify"
EVIL = '"}<img src=x onerror=alert(1)>'


@pytest.fixture
def staff(api: ApiClient, hopper: bytes, collins: bytes) -> None:
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper, metadata={"floor": "3", "born": 1906})
    api.enrol("staff", "Eileen Collins", collins, metadata={"floor": 4})


def choose(page: Page, picture: bytes) -> None:
    page.get_by_label("Drop a photograph here").set_input_files(file(picture))


def test_conditions_on_metadata_say_whom_a_search_is_among_and_stay_in_the_address(
    open_page: OpenPage, staff: None, hopper: bytes
) -> None:
    page = open_page(PAGE, width=360)
    page.get_by_text("Search among some people").press("Enter")
    page.get_by_role("button", name="Add a condition on metadata").press("Enter")
    page.keyboard.type("floor")
    page.get_by_label("Value").fill("3")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert accessibility.violations(page) == [], theme
    choose(page, hopper)
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()
    expect(page.get_by_text("Searched among 1 of 2 faces.")).to_be_visible()
    expect(page.get_by_text("born: 1906 · floor: 3")).to_be_visible()

    page.get_by_label("Value").fill("4")
    choose(page, hopper)
    expect(page.get_by_role("heading", name="This person is not enrolled.")).to_be_visible()
    expect(page).to_have_url(re.compile("among="))
    page.reload()
    expect(page.get_by_label("Field")).to_have_value("floor")
    expect(page.get_by_text("1 condition", exact=True)).to_be_visible()

    page.get_by_label("Condition").select_option(label="is at least")
    page.get_by_label("Field").fill("born")
    page.get_by_label("Value").fill("1900")
    choose(page, hopper)
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page).not_to_have_url(re.compile("among="))


def test_hostile_conditions_are_only_texts(open_page: OpenPage, staff: None, hopper: bytes) -> None:
    page = open_page(PAGE)
    page.get_by_text("Search among some people").click()
    page.get_by_role("button", name="Add a condition on metadata").click()
    page.get_by_label("Field").fill(EVIL.replace(".", ""))
    page.get_by_label("Value").fill(EVIL)
    choose(page, hopper)
    expect(page.get_by_text("Searched among 0 of 2 faces.")).to_be_visible()
    assert page.locator("img[src=x]").count() == 0


def test_several_galleries_are_searched_and_each_candidate_says_which_is_its(
    open_page: OpenPage, api: ApiClient, staff: None, couple: bytes, collins: bytes
) -> None:
    api.create_gallery("crew")
    api.enrol("crew", "E. Collins", collins)
    page = open_page(PAGE)
    page.get_by_text("Search among some people").click()
    page.get_by_role("checkbox", name="crew").check()
    choose(page, couple)
    expect(page.get_by_text("Gallery staff").first).to_be_visible()
    crew = page.get_by_role("article").filter(has_text="Gallery crew").filter(has_text="E. Collins").first
    page.get_by_text(re.compile("next candidates?")).last.click()
    expect(crew.get_by_text("Match", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Why this answer in crew?")).to_be_visible()
    crew.get_by_role("link", name="E. Collins").click()
    expect(page.get_by_role("heading", level=1, name="E. Collins")).to_be_visible()


def test_unnamed_people_are_left_out(open_page: OpenPage, api: ApiClient, staff: None, hopper: bytes) -> None:
    files = [("images", ("1.jpg", hopper))]
    api.create_gallery("album")
    api.post("/v1/galleries/album/identities", data={"anonymous": "true"}, files=files)
    page = open_page("#/galleries/album/identify?named=only")
    expect(page.get_by_label("Leave unnamed people out")).to_be_checked()
    choose(page, hopper)
    expect(page.get_by_text("Searched among 0 of 1 faces.")).to_be_visible()
    page.get_by_label("Leave unnamed people out").uncheck()
    choose(page, hopper)
    expect(page.get_by_role("heading", name="One person without a name was seen before.")).to_be_visible()


def test_an_answer_for_earlier_conditions_says_so_until_the_search_is_repeated(
    open_page: OpenPage, staff: None, couple: bytes
) -> None:
    page = open_page(PAGE)
    choose(page, couple)
    found = page.get_by_role("heading", name="On this picture: Grace Hopper and Eileen Collins.")
    expect(found).to_be_visible()
    page.get_by_role("button", name="Mark a face that was missed").press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("Face 3:"))).to_be_visible()

    earlier = page.get_by_role("main").get_by_text("The answer below is for the earlier ones.")
    page.get_by_text("Search among some people").click()
    page.get_by_role("button", name="Add a condition on metadata").click()
    expect(earlier).to_have_count(0)
    page.get_by_label("Field").fill("floor")
    page.get_by_label("Value").fill("3")
    expect(earlier).to_be_visible()
    assert accessibility.violations(page) == []
    page.get_by_label("Value").fill("")
    expect(earlier).to_have_count(0)
    page.get_by_label("Value").fill("3")
    page.get_by_role("main").get_by_role("link", name="Grace Hopper").first.click()
    expect(earlier).to_have_count(0)
    page.go_back()
    expect(earlier).to_be_visible()

    page.get_by_role("button", name="Search again").click()
    expect(page.get_by_text("Searched among 1 of 2 faces.")).to_be_visible()
    expect(earlier).to_have_count(0)
    expect(page.get_by_role("heading", name=re.compile("Face 3:"))).to_be_attached()
