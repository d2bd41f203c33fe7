"""People whom nobody has named: named where they are listed, hidden, found again under their name."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.pictures import jpeg, pixels

EVIL = '<img src=x onerror="document.title=1">'


@pytest.fixture
def family(api: ApiClient, hopper: bytes, collins: bytes) -> list[str]:
    """Ids of three unnamed people, of two faces, of one, and of none; Ada Lovelace has a name."""
    api.create_gallery("family")
    api.enrol("family", "Ada Lovelace")
    mirrored = jpeg(pixels(hopper)[:, ::-1])
    return [add(api, hopper, mirrored), add(api, collins), add(api)]


def add(api: ApiClient, *pictures: bytes) -> str:
    images = [("images", (f"{number}.jpg", picture)) for number, picture in enumerate(pictures)]
    answer = api.post("/v1/galleries/family/identities", data={"anonymous": "true"}, files=images or None)
    return str(answer.json()["id"])


def names(api: ApiClient) -> list[Any]:
    found = api.get("/v1/galleries/family/identities", params={"hidden": "any"}).json()["identities"]
    return [one["name"] for one in found]


def fields(page: Page) -> Any:
    return page.get_by_role("combobox", name="Name of the unnamed person")


def offered(page: Page) -> Any:
    return page.get_by_role("listbox", name="People found").get_by_role("option")


def test_people_are_named_one_after_the_other_by_keyboard_alone(
    open_page: OpenPage, api: ApiClient, family: list[str]
) -> None:
    page = open_page("#/galleries/family/people?show=unnamed")
    expect(page.get_by_text("3 people")).to_be_visible()
    expect(page.locator('[aria-posinset="1"]')).to_contain_text("2 faces")

    fields(page).first.focus()
    page.keyboard.type("Grace Hopper")
    expect(page.get_by_role("option", name="New person: Grace Hopper", selected=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()
    expect(page.get_by_role("combobox", name="Name of the unnamed person with 1 face")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Name of the unnamed person with 0 faces")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.type(EVIL)
    expect(page.get_by_role("option", name=EVIL)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name=EVIL)).to_be_visible()
    assert names(api) == ["Ada Lovelace", "Grace Hopper", EVIL, None]
    expect(page.get_by_text("1 person", exact=True)).to_be_visible()

    page.get_by_role("button", name="Undo").last.press("Enter")
    expect(fields(page)).to_have_count(2)
    expect(page.get_by_text("2 people", exact=True)).to_be_visible()
    assert names(api) == ["Ada Lovelace", "Grace Hopper", None, None]


def test_somebody_who_has_a_name_is_chosen_from_the_list_and_it_is_undone(
    open_page: OpenPage, api: ApiClient, family: list[str]
) -> None:
    page = open_page("#/galleries/family/people?show=unnamed")
    fields(page).first.fill("lovelace ada")
    expect(offered(page)).to_have_count(2)
    assert accessibility.violations(page) == []
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option", name="Ada Lovelace 0 faces", selected=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("This is Ada Lovelace now.")).to_be_visible()
    assert names(api) == ["Ada Lovelace", None, None]

    page.get_by_role("button", name="Undo").click()
    expect(fields(page)).to_have_count(3)
    assert len(names(api)) == 4


def test_a_name_that_somebody_has_already_is_not_given_before_one_has_seen_it(
    open_page: OpenPage, api: ApiClient, family: list[str]
) -> None:
    page = open_page("#/galleries/family/people?show=unnamed")
    fields(page).first.fill("ada lovelace")
    page.keyboard.press("Enter")
    expect(page.get_by_role("option", name="Ada Lovelace 0 faces", selected=True)).to_be_visible()
    assert names(api) == ["Ada Lovelace", None, None, None]
    page.keyboard.press("Escape")
    expect(offered(page)).to_have_count(0)


def test_hidden_people_leave_the_lists_and_come_back(
    open_page: OpenPage, api: ApiClient, family: list[str]
) -> None:
    page = open_page("#/galleries/family/people?show=unnamed")
    page.get_by_role("button", name="Hide Unnamed person, 1 face").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Unnamed person is hidden.")).to_be_visible()
    expect(page.get_by_text("2 people")).to_be_visible()
    page.reload()
    expect(page.get_by_text("2 people")).to_be_visible()

    page.get_by_role("link", name="Hidden").click()
    expect(page.get_by_text("1 person")).to_be_visible()
    page.get_by_role("button", name="Show Unnamed person again").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Unnamed person is in the lists again.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Show Unnamed person again")).to_be_attached()
    assert api.get(f"/v1/galleries/family/identities/{family[1]}").json()["hidden"] is True


def test_an_unnamed_person_has_a_page_where_they_get_a_name(
    open_page: OpenPage, api: ApiClient, family: list[str]
) -> None:
    page = open_page(f"#/galleries/family/people/{family[0]}", width=360)
    expect(page.get_by_role("heading", level=1, name="Unnamed person")).to_be_visible()
    assert accessibility.violations(page) == []
    page.get_by_role("combobox", name="Who is this?").fill("Grace Hopper")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Grace Hopper")).to_be_visible()
    expect(page.get_by_role("combobox")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1, name="Unnamed person")).to_be_visible()
    page.get_by_role("combobox", name="Who is this?").fill("Ada Lovelace")
    page.get_by_role("option", name="Ada Lovelace 0 faces").click()
    expect(page.get_by_role("heading", level=1, name="Ada Lovelace")).to_be_visible()
    expect(page.get_by_role("heading", name="2 faces")).to_be_visible()


def test_unnamed_faces_are_grouped_and_the_result_is_shown(
    open_page: OpenPage, api: ApiClient, hopper: bytes, collins: bytes
) -> None:
    api.create_gallery("family")
    for picture in (hopper, jpeg(pixels(hopper)[:, ::-1]), collins):
        add(api, picture)
    page = open_page("#/galleries/family/people?show=unnamed")
    expect(page.get_by_text("3 people")).to_be_visible()
    page.get_by_role("button", name="Group the unnamed faces").dblclick()
    expect(page.get_by_text("1 group with 2 faces. 1 unnamed person became part of another.")).to_be_visible()
    expect(page.get_by_text("2 people")).to_be_visible()
    expect(page.locator('[aria-posinset="1"]:visible')).to_contain_text("2 faces")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert accessibility.violations(page) == []

    page.get_by_role("button", name="Undo this grouping").dblclick()
    expect(page.get_by_text("1 person is separate again.")).to_be_visible()
    expect(page.get_by_text("3 people")).to_be_visible()
    expect(page.get_by_role("button", name="Undo this grouping")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
