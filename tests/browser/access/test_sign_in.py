"""A person signs in with an API key, works, and signs out."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.access.conftest import BOOTSTRAP, NOT_SIGNED_IN, SignIn
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage, Theme
from tests.support.browser.watch import Watch

NewKey = Callable[..., dict[str, Any]]
READABLE = (
    "() => JSON.stringify([localStorage, sessionStorage, document.cookie, location.href, history.state])"
)


def test_one_gets_to_the_page_that_one_wanted(sign_in: SignIn) -> None:
    page = sign_in("#/access/audit?action=key")

    expect(page.get_by_role("heading", name="Audit", level=1)).to_be_visible()
    expect(page.get_by_label("What", exact=True)).to_have_value("key")


def test_a_wrong_key_is_answered_in_words_and_another_can_be_typed(open_page: OpenPage, watch: Watch) -> None:
    watch.expect(NOT_SIGNED_IN)
    page = open_page("#/galleries")
    field = page.get_by_label("API key")

    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Enter your API key.")
    field.fill("wrong")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("This key is not valid")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(f"  {BOOTSTRAP}\n")
    field.press("Enter")
    expect(page.get_by_role("heading", name="Galleries")).to_be_visible()


def test_a_password_manager_can_fill_in_the_key(open_page: OpenPage, watch: Watch) -> None:
    watch.expect(NOT_SIGNED_IN)
    page = open_page()

    field = page.get_by_label("API key")
    expect(field).to_have_attribute("type", "password")
    expect(field).to_have_attribute("autocomplete", "current-password")
    expect(page.locator("form input[autocomplete=username]")).to_have_value("Gemel")
    field.fill("abc")
    page.get_by_role("button", name="Show").click()
    expect(field).to_have_attribute("type", "text")


def test_neither_the_key_nor_the_token_can_be_read_by_a_script(
    sign_in: SignIn, context: BrowserContext
) -> None:
    page = sign_in()

    [cookie] = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["expires"]) == (True, "Strict", -1)
    readable = page.evaluate(READABLE) + page.content()
    assert BOOTSTRAP not in readable
    assert cookie["value"] not in readable


def test_after_signing_out_nothing_is_shown_without_a_key(
    sign_in: SignIn, open_page: OpenPage, context: BrowserContext, watch: Watch
) -> None:
    page = sign_in("#/access")

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert context.cookies() == []
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_signing_out_everywhere_ends_the_sessions_of_other_browsers(
    api: ApiClient, sign_in: SignIn, server: str
) -> None:
    with ApiClient(server) as other:
        csrf = other.post("/v1/session", headers={"X-API-Key": BOOTSTRAP}).json()["csrf_token"]
        assert csrf
        page = sign_in("#/account")
        expect(page.get_by_text("Every gallery")).to_be_visible()

        page.get_by_role("button", name="Sign out everywhere").click()

        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        with pytest.raises(AssertionError, match="401"):
            other.get("/v1/session")


def test_when_the_session_ends_one_signs_in_over_the_page_and_loses_nothing(
    api: ApiClient, sign_in: SignIn, watch: Watch
) -> None:
    page = sign_in("#/galleries")
    page.get_by_role("button", name="New gallery").click()
    page.get_by_label("Name").fill("visitors")
    api.delete("/v1/session", params={"everywhere": "true"})
    watch.expect(r"status of 401 \(Unauthorized\)")

    page.get_by_role("button", name="Create").click()
    again = page.get_by_role("dialog", name="Sign in again")
    page.mouse.click(5, 5)  # beside it
    again.get_by_label("API key").fill(BOOTSTRAP)
    again.get_by_role("button", name="Sign in").click()

    expect(page.get_by_text("The gallery visitors was created.")).to_be_visible()
    assert "visitors" in [gallery["name"] for gallery in api.get("/v1/galleries").json()["galleries"]]


def test_who_does_not_sign_in_again_sees_the_sign_in_page(
    api: ApiClient, sign_in: SignIn, watch: Watch
) -> None:
    page = sign_in("#/galleries")
    api.delete("/v1/session", params={"everywhere": "true"})
    watch.expect(r"status of 401 \(Unauthorized\)")

    page.get_by_role("link", name="Audit").click()
    page.get_by_role("dialog", name="Sign in again").press("Escape")

    expect(page.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_tab_goes_on_after_another_tab_has_signed_in_again(
    api: ApiClient, sign_in: SignIn, open_page: OpenPage, context: BrowserContext, watch: Watch
) -> None:
    """The first tab has the token of a session that is no more."""
    first = sign_in("#/galleries")
    context.clear_cookies()
    sign_in("#/galleries")
    watch.expect(r"status of 403 \(Forbidden\) at http://[^/]+/v1/galleries$")

    first.get_by_role("button", name="New gallery").click()
    first.get_by_label("Name").fill("contractors")
    first.get_by_role("button", name="Create").click()

    expect(first.get_by_text("The gallery contractors was created.")).to_be_visible()


def test_pages_that_the_role_does_not_allow_are_not_offered(new_key: NewKey, sign_in: SignIn) -> None:
    page = sign_in("#/access", new_key("enrol", name="front desk")["key"])

    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    navigation = page.get_by_role("navigation", name="Main")
    for name in ("Access", "Audit", "Identify"):
        expect(navigation.get_by_role("link", name=name, exact=True)).to_have_count(0)
    expect(navigation.get_by_role("link", name="Galleries")).to_be_visible()
    expect(navigation.get_by_role("link", name="Signed in as front desk")).to_be_visible()


def test_a_key_that_is_revoked_ends_the_work_of_whoever_signed_in_with_it(
    new_key: NewKey, api: ApiClient, sign_in: SignIn, watch: Watch
) -> None:
    key = new_key("admin")
    page = sign_in("#/galleries", key["key"])
    api.delete(f"/v1/keys/{key['id']}")
    watch.expect(r"status of 401 \(Unauthorized\)")

    page.get_by_role("link", name="Audit").click()

    dialog = page.get_by_role("dialog", name="Sign in again")
    dialog.get_by_label("API key").fill(key["key"])
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog.get_by_role("alert")).to_contain_text("revoked")


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 360)])
def test_the_sign_in_page_is_accessible(open_page: OpenPage, watch: Watch, theme: Theme, width: int) -> None:
    watch.expect(NOT_SIGNED_IN)
    page: Page = open_page("#/access", theme=theme, width=width)

    assert accessibility.violations(page) == []
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    expect(page).to_have_title(re.compile("^Sign in"))
