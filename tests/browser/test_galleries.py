"""Galleries are created, set and deleted."""

import re
import tarfile

from playwright.sync_api import Page, expect

from tests.support.browser import accessibility
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


def test_the_settings_permit_some_attributes_or_all(open_page: OpenPage, api: ApiClient) -> None:
    page = _settings(open_page, api)
    all_attributes = page.get_by_label("All attributes that the server permits")
    expect(all_attributes).to_be_checked()
    expect(page.get_by_label("Mask")).to_have_count(0)

    all_attributes.uncheck()
    expect(page.get_by_label("Mask")).to_be_checked()
    expect(page.get_by_label("Age")).to_have_count(0)  # the server does not permit it
    permitted = api.get("/v1/galleries/staff").json()["attributes"]
    page.get_by_label("Mask").uncheck()
    expect(page.locator(".toast")).to_have_count(2)
    left = [name for name in permitted if name != "mask"]
    assert api.get("/v1/galleries/staff").json()["attributes"] == left
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert accessibility.violations(page) == [], theme

    page.reload()
    expect(page.get_by_label("Glasses")).to_be_checked()
    expect(page.get_by_label("Mask")).not_to_be_checked()
    all_attributes.check()
    expect(page.get_by_label("Mask")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Mask")).not_to_be_checked()
    assert api.get("/v1/galleries/staff").json()["attributes"] == left


def test_the_settings_say_why_liveness_cannot_be_checked(open_page: OpenPage, api: ApiClient) -> None:
    page = _settings(open_page, api)
    policy = page.get_by_label("If a face may be a print")
    expect(policy).to_have_value("off")
    expect(policy).to_have_accessible_description(re.compile("weights for this check are not on this server"))
    expect(policy.get_by_role("option", name="It matches nobody")).to_be_disabled()


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


def test_an_export_is_imported_into_a_new_gallery_and_again_into_one_that_exists(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper)
    export = api.get("/v1/galleries/staff/export").content
    tar = {"name": "staff.tar", "mimeType": "application/x-tar", "buffer": export}
    page = open_page("#/galleries", width=360)

    page.get_by_role("button", name="Import an export").click()
    dialog = page.get_by_role("dialog", name="Import an export")
    choose = dialog.get_by_label("Tar file of the export")
    choose.set_input_files(tar | {"buffer": export[:700]})  # type: ignore[arg-type]
    expect(dialog.get_by_role("alert")).to_have_text("This file is not a complete export of a gallery.")
    choose.set_input_files(tar)  # type: ignore[arg-type]
    expect(dialog.get_by_label("Into the gallery")).to_have_value("staff")
    expect(dialog.get_by_text("There is a gallery with this name")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert accessibility.violations(page) == [], theme
    dialog.get_by_label("Into the gallery").fill("copy")
    expect(dialog.get_by_text("There is a gallery with this name")).to_have_count(0)
    dialog.get_by_role("button", name="Import").press("Enter")
    expect(page.get_by_text("Imported: 1 person with 1 face.")).to_be_visible()
    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()
    assert api.get("/v1/galleries/copy").json()["identities"] == 1

    page.goto(page.url.split("#")[0] + "#/galleries")
    page.get_by_role("button", name="Import an export").click()
    choose.set_input_files(tar)  # type: ignore[arg-type]
    expect(dialog.get_by_label("Into the gallery")).to_have_value("staff")
    dialog.get_by_role("button", name="Import").press("Enter")
    expect(page.get_by_text("Imported: 0 people with 0 faces.")).to_be_visible()
