"""The first API key of a server that nobody had to sign in to."""

from playwright.sync_api import expect

from tests.support.browser.pages import OpenPage


def test_who_creates_the_first_key_is_signed_in_with_it(open_page: OpenPage) -> None:
    page = open_page("#/access")
    expect(page.get_by_text("This server needs no key yet")).to_be_visible()
    page.get_by_role("button", name="New key").first.click()
    dialog = page.get_by_role("dialog", name="New key")
    expect(dialog.get_by_label("Admin")).to_be_checked()
    expect(dialog.get_by_label("Expires after").locator("option:checked")).to_have_text("Never")
    dialog.get_by_label("Name").fill("first")
    dialog.get_by_role("button", name="Create the key").click()

    key = page.get_by_label("The key", exact=True).input_value()
    page.get_by_role("button", name="I have stored it").click()
    expect(page.get_by_role("link", name="Signed in as first")).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Signed in as first")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Access", level=1)).to_be_visible()
