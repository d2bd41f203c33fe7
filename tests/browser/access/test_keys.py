"""The page of API keys."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.access.conftest import SignIn
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.watch import Watch

NewKey = Callable[..., dict[str, Any]]
MARKUP = "<img src=x onerror=alert(1)>'\"&amp;"


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_a_new_key_is_shown_once_and_works(api: ApiClient, sign_in: SignIn, server: str) -> None:
    page = sign_in("#/access")
    page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    dialog.get_by_label("Name").fill(MARKUP)
    dialog.get_by_label("Identify").uncheck()
    dialog.get_by_label("Read").check()
    dialog.get_by_label("Galleries").fill("staff, visitors-*")
    dialog.get_by_label("Expires after").select_option("90 days")
    dialog.get_by_text("Limits").click()
    dialog.get_by_label("Requests per second").fill("2.5")
    dialog.get_by_role("button", name="Create the key").click()

    text = page.get_by_label("The key", exact=True).input_value()
    assert re.fullmatch(r"gemel_[0-9a-f]{12}_[0-9a-f]{64}", text)
    with ApiClient(server, headers={"X-API-Key": text}) as holder:
        who = holder.get("/v1/session").json()
    assert (who["name"], who["permissions"]) == (MARKUP, ["read"])
    assert (who["galleries"], who["requests_per_second"]) == (["staff", "visitors-*"], 2.5)
    page.get_by_role("button", name="I have stored it").click()
    expect(row(page, MARKUP)).to_contain_text("visitors-*")
    page.reload()
    expect(row(page, MARKUP)).to_be_visible()
    assert text not in page.content()


def test_who_has_a_key_that_expires_can_create_one_that_lasts_as_long(
    sign_in: SignIn, new_key: NewKey, api: ApiClient
) -> None:
    soon = "2999-01-31T09:30:00Z"
    own = new_key("admin", name="own", expires_at=soon)
    page = sign_in("#/access", own["key"])
    page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    expect(dialog.get_by_label("Expires after")).not_to_contain_text("Never")
    dialog.get_by_label("Name").fill("lasts as long")
    dialog.get_by_label("Expires after").select_option(soon)
    dialog.get_by_role("button", name="Create the key").click()

    expect(page.get_by_label("The key", exact=True)).to_be_visible()
    [made] = [key for key in api.get("/v1/keys").json()["keys"] if key["name"] == "lasts as long"]
    assert made["expires_at"] == soon


def test_the_key_is_copied(new_key: NewKey, sign_in: SignIn) -> None:
    made = new_key("read", name="to be copied")
    page = sign_in(f"#/access?key={made['id']}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Replace the secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Replace the secret").click()

    page.get_by_role("button", name="Copy").click()

    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == page.get_by_label("The key", exact=True).input_value()
    )


def test_a_form_with_a_mistake_says_what_to_do(sign_in: SignIn, watch: Watch) -> None:
    watch.expect(r"status of 422")
    page = sign_in("#/access")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name").fill("door")
    page.get_by_role("dialog").get_by_label("Galleries").fill("st*ff")
    page.get_by_role("button", name="Create the key").click()

    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("prefixes that end in '*'")
    expect(page.get_by_label("Name")).to_have_value("door")


def test_a_revoked_key_ends_and_says_what_that_means(
    new_key: NewKey, api: ApiClient, sign_in: SignIn
) -> None:
    made = new_key("read", name="old camera")
    page = sign_in("#/access")
    page.get_by_role("link", name="old camera").click()
    assert f"key={made['id']}" in page.url
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_role("dialog")).to_contain_text("cannot be undone")
    expect(page.get_by_role("dialog")).to_contain_text("It has not been used yet.")

    page.get_by_role("dialog").get_by_role("button", name="Revoke the key").click()

    expect(row(page, "old camera")).to_have_count(0)
    assert api.get(f"/v1/keys/{made['id']}").json()["state"] == "revoked"
    page.get_by_label("Show revoked and expired keys").check()
    expect(row(page, "old camera")).to_contain_text("Revoked")


def test_a_key_is_revoked_by_keyboard_and_the_focus_is_never_lost(sign_in: SignIn, new_key: NewKey) -> None:
    new_key("read", name="old door")
    page = sign_in("#/access")
    page.get_by_role("link", name="old door").press("Enter")
    page.get_by_role("button", name="Revoke the key").press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Revoke the key")).to_be_focused()
    page.keyboard.press("Enter")

    expect(row(page, "old door")).to_have_count(0)
    expect(page.get_by_role("heading", name="Access", level=1)).to_be_focused()


def test_a_deep_link_shows_the_same_list_and_the_same_key(new_key: NewKey, sign_in: SignIn) -> None:
    made = new_key("read", name="zebra crossing")
    new_key("identify", name="aardvark gate")
    page = sign_in(f"#/access?q=r&sort=Name&key={made['id']}")

    expect(page.get_by_role("dialog", name="zebra crossing")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Find a key")).to_have_value("r")
    names = page.locator("tbody th a").all_text_contents()
    assert names.index("aardvark gate") < names.index("zebra crossing")
    page.get_by_role("button", name="Name").click()
    names = page.locator("tbody th a").all_text_contents()
    assert names.index("zebra crossing") < names.index("aardvark gate")
    expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "descending")
    assert "sort=-Name" in page.url


def test_who_replaces_the_secret_of_the_own_key_stays_signed_in(new_key: NewKey, sign_in: SignIn) -> None:
    made = new_key("admin", name="own key")
    page = sign_in(f"#/access?key={made['id']}", made["key"])
    page.get_by_role("button", name="Replace the secret").click()
    page.get_by_label("The old secret stays valid for").select_option("Not at all: it ends now")
    page.get_by_role("dialog").get_by_role("button", name="Replace the secret").click()
    page.get_by_role("button", name="I have stored it").click()

    page.get_by_role("link", name="Audit").click()

    expect(page.get_by_role("heading", name="Audit", level=1)).to_be_visible()


def test_a_key_is_made_by_keyboard_alone(api: ApiClient, sign_in: SignIn) -> None:
    page = sign_in("#/access")
    button = page.get_by_role("button", name="New key")
    for _ in range(40):
        if button.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("by keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.get_by_role("link", name="by keyboard").focus()
    page.keyboard.press("End")
    focused = "document.activeElement.closest('tr') === document.querySelector('tbody tr:last-child')"
    assert page.evaluate(focused)
    page.keyboard.press("ArrowUp")
    assert not page.evaluate(focused)


def test_the_forms_and_cards_are_accessible(new_key: NewKey, sign_in: SignIn) -> None:
    made = new_key("read", name="a card", max_concurrent=3)
    page = sign_in("#/access", theme="dark", width=360)
    expect(row(page, "a card")).to_contain_text("3 at once")
    faults = accessibility.violations(page)
    page.get_by_role("button", name="New key").click()
    faults += accessibility.violations(page)
    page.keyboard.press("Escape")
    page.goto(f"{page.url.split('#')[0]}#/access?key={made['id']}")
    page.get_by_role("dialog", name="a card").get_by_role("button", name="Revoke the key").click()
    faults += accessibility.violations(page)
    page.emulate_media(color_scheme="light")
    faults += accessibility.violations(page)

    assert faults == []
    assert page.evaluate("document.scrollingElement.scrollWidth") == 360
