"""The grid of people: scrolled, searched, selected from, by pointer and by keyboard."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.people.conftest import MANY
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage

EVIL = "<img src=x onerror=alert(1)>"


def cells(page: Page) -> int:
    return page.locator(".virtual-grid > *").count()


def test_a_grid_of_many_people_has_only_the_visible_ones_in_the_document(
    open_page: OpenPage, crowd: str
) -> None:
    page = open_page(f"#/galleries/{crowd}/people")
    expect(page.get_by_role("status").filter(has_text=f"{MANY} people")).to_be_visible()
    height = page.evaluate("document.documentElement.scrollHeight")
    newest, oldest = (
        page.get_by_role("link", name=f"Person {MANY}"),
        page.get_by_role("link", name="Person 1 E-1"),
    )
    expect(newest).to_be_visible()

    newest.focus()
    page.keyboard.press("End")
    expect(oldest).to_be_focused()
    expect(newest).to_have_count(0)
    assert page.evaluate("scrollY + innerHeight") >= height - 150, "the scroll bar is at its end"
    assert page.evaluate("document.documentElement.scrollHeight") == height, "the scroll bar was right"
    assert cells(page) < 100

    page.keyboard.press("Home")
    expect(newest).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("link", name=f"Person {MANY - 1}")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name=re.compile("Person 39"))).to_be_visible()
    page.go_back()
    expect(newest).to_be_visible()


def test_people_are_found_while_one_types_and_the_address_keeps_the_search(
    open_page: OpenPage, crowd: str
) -> None:
    page = open_page(f"#/galleries/{crowd}/people")
    page.get_by_role("link", name=f"Person {MANY}").focus()
    page.keyboard.type("39")
    box = page.get_by_role("searchbox", name="Search people")
    expect(box).to_be_focused()
    expect(box).to_have_value("39")
    expect(page.get_by_text("11 people found")).to_be_visible()

    box.fill("department:computing 40")
    expect(page.get_by_text("2 people found")).to_be_visible()
    expect(page).to_have_url(re.compile(r"q=department%3Acomputing\+40"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Person 400")).to_be_focused()
    page.reload()
    expect(page.get_by_text("2 people found")).to_be_visible()
    page.get_by_label("Order").select_option("oldest")
    expect(page.locator('[aria-posinset="1"]')).to_contain_text("Person 40")
    page.get_by_role("searchbox").fill("nobody at all")
    expect(page.get_by_role("heading", name="Nobody matches “nobody at all”")).to_be_visible()


def test_two_people_are_merged_by_keyboard_alone_and_it_is_undone(
    open_page: OpenPage, api: ApiClient, staff: dict[str, dict[str, Any]]
) -> None:
    page = open_page("#/galleries/staff/people")
    page.get_by_role("searchbox").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.get_by_text("2 people selected")).to_be_visible()
    page.get_by_role("button", name="Merge the two").press("Enter")

    dialog = page.get_by_role("dialog", name="Merge two people")
    dialog.get_by_role("radio").nth(1).press("Space")
    expect(dialog.get_by_text("Afterwards: Grace Hopper, 2 faces.")).to_be_visible()
    dialog.get_by_role("button", name="Merge", exact=True).press("Enter")
    expect(page.get_by_role("status").filter(has_text="1 person")).to_be_visible()
    answer = api.get("/v1/galleries/staff/identities").json()["identities"]
    assert [(one["id"], one["faces_total"]) for one in answer] == [(staff["grace"]["id"], 2)]

    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_role("link", name="Eileen Collins")).to_be_visible()
    assert len(api.get("/v1/galleries/staff/identities").json()["identities"]) == 2


def test_people_are_found_by_a_photograph(
    open_page: OpenPage, staff: dict[str, dict[str, Any]], hopper: bytes
) -> None:
    page = open_page("#/galleries/staff/people")
    page.get_by_role("button", name="Search by photograph").click()
    file: Any = {"name": "who.jpg", "mimeType": "image/jpeg", "buffer": hopper}
    page.get_by_label("Drop a photograph to search by").set_input_files(file)

    found = page.get_by_role("region", name="Search by photograph").get_by_role("listitem")
    expect(found.first).to_contain_text("Grace Hopper")
    expect(found.first).to_contain_text("Match, 1.000")
    expect(found.nth(1)).to_contain_text("No match")
    found.first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1, name="Grace Hopper")).to_be_visible()


def test_names_and_metadata_are_text_everywhere(open_page: OpenPage, api: ApiClient, hopper: bytes) -> None:
    api.create_gallery("staff")
    person = api.enrol("staff", EVIL, hopper, external_id="javascript:alert(2)", metadata={EVIL: EVIL})
    page = open_page("#/galleries/staff/people")
    expect(page.get_by_role("link", name=EVIL)).to_be_visible()

    page.get_by_role("link", name=EVIL).click()
    expect(page.get_by_role("heading", level=1, name=EVIL)).to_be_visible()
    expect(page.get_by_role("term").filter(has_text=EVIL)).to_be_visible()
    page.get_by_role("button", name="Merge with ...").click()
    page.get_by_role("dialog").get_by_role("searchbox").fill("4711")
    expect(page.get_by_text("Nobody matches “4711”")).to_be_visible()
    page.get_by_role("dialog").get_by_role("searchbox").fill(EVIL)
    expect(page.get_by_text(f"Nobody matches “{EVIL}”")).to_be_visible()
    assert page.locator("img[src=x], img[onerror]").count() == 0
    assert api.get(f"/v1/galleries/staff/identities/{person['id']}").json()["name"] == EVIL


def test_an_empty_gallery_says_how_people_get_into_it(open_page: OpenPage, api: ApiClient) -> None:
    api.create_gallery("empty")
    page = open_page("#/galleries/empty/people")

    expect(page.get_by_role("heading", name="Nobody is enrolled yet")).to_be_visible()
    page.get_by_role("link", name="Enrol from a photograph").click()
    expect(page).to_have_url(re.compile("#/galleries/empty/identify"))
