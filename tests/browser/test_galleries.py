"""Galleries are created, set and deleted."""

import tarfile

from playwright.sync_api import Page, expect

from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.watch import Watch


def test_a_gallery_is_created_and_is_in_the_picker_at_once(
    open_page: OpenPage, api: ApiClient, watch: Watch
) -> None:
    api.delete_galleries()
    page = open_page("#/galleries")
    watch.expect("status of 422")

    page.get_by_role("button", name="New gallery").first.click()
    dialog = page.get_by_role("dialog", name="New gallery")
    name = dialog.get_by_label("Name")
    name.fill("No capitals, please")
    name.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("63 letters")
    expect(name).to_be_focused()
    name.fill("staff")
    name.press("Enter")

    expect(page.get_by_role("heading", name="People", level=1)).to_be_visible()
    expect(page.get_by_label("Gallery", exact=True)).to_have_value("staff")

    message = page.locator(".toast")
    expect(message).to_have_count(1)  # from the page before
    page.get_by_role("link", name="Identify").click()
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    expect(message).to_have_count(0)


def test_messages_with_an_undo_follow_to_the_next_page_and_cover_no_card(
    open_page: OpenPage, api: ApiClient
) -> None:
    page = _settings(open_page, api)
    for i in range(3):
        page.get_by_label("Keep a crop").click()
        expect(page.locator(".toast")).to_have_count(i + 1)
    gap = """() => document.querySelector("main").getBoundingClientRect().bottom
        - document.querySelector("main > :last-child").getBoundingClientRect().bottom
        - document.querySelector(".toasts").getBoundingClientRect().height"""
    assert page.evaluate(gap) > 0
    page.get_by_role("link", name="Identify").click()
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    expect(page.locator(".toast")).to_have_count(3)


def test_a_policy_is_saved_at_once_and_undone(open_page: OpenPage, api: ApiClient) -> None:
    page = _settings(open_page, api)

    page.get_by_label("looks like somebody who is already enrolled").select_option(label="Do not enrol them")
    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_label("looks like somebody who is already enrolled")).to_have_value("off")
    assert api.get("/v1/galleries/staff").json()["duplicate_check"] == "off"


def test_an_undo_that_is_not_possible_any_more_says_why(
    open_page: OpenPage, api: ApiClient, watch: Watch
) -> None:
    page = _settings(open_page, api)
    page.get_by_label("Keep a crop").check()
    expect(page.get_by_text("Saved.")).to_be_visible()
    api.delete_galleries()
    watch.expect("status of 404")

    page.get_by_role("button", name="Undo").click()

    expect(page.get_by_role("alert")).to_contain_text("There is no gallery with this name")
    expect(page.get_by_label("Keep a crop")).to_be_checked()


def test_a_gallery_is_deleted_by_who_types_its_name(open_page: OpenPage, api: ApiClient) -> None:
    page = _settings(open_page, api)
    page.get_by_role("button", name="Delete the gallery").click()
    dialog = page.get_by_role("dialog")
    delete = dialog.get_by_role("button", name="Delete the gallery")

    dialog.get_by_label("Name of the gallery").fill("staf")
    expect(delete).to_be_disabled()
    dialog.get_by_label("Name of the gallery").fill("staff")
    delete.click()

    expect(page.get_by_role("heading", name="No gallery yet")).to_be_visible()
    assert api.get("/v1/galleries").json()["galleries"] == []


def _settings(open_page: OpenPage, api: ApiClient) -> Page:
    api.delete_galleries()
    api.post("/v1/galleries", json={"name": "staff"})
    return open_page("#/galleries/staff")


def test_a_gallery_is_exported_as_a_file(open_page: OpenPage, api: ApiClient) -> None:
    page = _settings(open_page, api)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the export").click()
    assert download.value.suggested_filename == "staff.tar"
    with tarfile.open(download.value.path()) as export:
        assert export.getnames()[-1] == "manifest.json"
