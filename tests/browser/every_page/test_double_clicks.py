"""A double click on what creates something asks the server once, also where the answer takes a while."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.pictures import jpeg, pixels


def gallery(page: Page) -> Locator:
    page.get_by_role("button", name="New gallery").click()
    page.get_by_label("Name").fill("lobby")
    return page.get_by_role("button", name="Create", exact=True)


def server_path(page: Page) -> Locator:
    page.get_by_text("From a path on the server").click()
    page.get_by_label("Path").fill("badges")
    return page.get_by_role("button", name="Start").last


def key(page: Page) -> Locator:
    page.get_by_role("button", name="New key").first.click()
    page.get_by_label("Name").fill("door")
    return page.get_by_role("dialog").get_by_role("button", name="Create").last


def split(page: Page) -> Locator:
    page.get_by_role("checkbox", name="Select the face").first.check()
    page.get_by_role("button", name="Create a new person").click()
    return page.get_by_role("dialog").get_by_role("button", name="Create a new person")


def saved(page: Page) -> Locator:
    page.get_by_role("button", name="Edit").click()
    return page.get_by_role("button", name="Save")


def grouping(page: Page) -> Locator:
    return page.get_by_role("button", name="Group the unnamed faces")


def duplicates(page: Page) -> Locator:
    return page.get_by_role("button", name="Search the gallery for duplicates")


def rebuilt(page: Page) -> Locator:
    return page.get_by_role("button", name="Rebuild the index of staff")


@pytest.mark.parametrize(
    ("address", "button_of"),
    [
        ("#/galleries", gallery),
        ("#/galleries/staff/imports", server_path),
        ("#/galleries/staff/people/{person}", split),
        ("#/galleries/staff/people/{person}", saved),
        ("#/galleries/staff/people?show=unnamed", grouping),
        ("#/galleries/staff/reviews", duplicates),
        ("#/operations", rebuilt),
        ("#/access", key),
    ],
)
def test_a_double_click_sends_one_request(
    open_page: OpenPage, api: ApiClient, hopper: bytes, address: str, button_of: Callable[[Page], Locator]
) -> None:
    api.create_gallery("staff")
    person = api.enrol("staff", "Grace Hopper", hopper, jpeg(pixels(hopper)[:, ::-1]))
    page = open_page(address.format(person=person["id"]))
    button = button_of(page)
    held: list[Route] = []
    page.route("**/v1/**", lambda route: held.append(route) if changes(route) else route.continue_())

    button.dblclick()
    expect(button).to_be_disabled()
    button.evaluate("button => { button.click(); button.form?.requestSubmit() }")
    page.evaluate("() => 0")  # what the page has sent by now has come to the route

    assert len(held) == 1, [f"{route.request.method} {route.request.url}" for route in held]


def changes(route: Route) -> bool:
    return route.request.method != "GET"
