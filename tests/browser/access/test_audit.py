"""The audit record, and an event of it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.access.conftest import SignIn
from tests.support.asking import files
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage, width_when_loaded

NewKey = Callable[..., dict[str, Any]]
MARKUP = "<b onclick=alert(1)>Grace</b>"


@pytest.fixture
def search(api: ApiClient, hopper: bytes, collins: bytes) -> dict[str, Any]:
    """An identification of Grace Hopper, whose crop is kept, in a gallery with Eileen Collins."""
    api.create_gallery("staff")
    api.patch("/v1/galleries/staff", json={"keep_probes": True})
    api.enrol("staff", MARKUP, hopper)
    api.enrol("staff", "Eileen Collins", collins)
    answer = api.post("/v1/galleries/staff/identify", files=files("image", hopper))
    return dict(answer.json())


def actions(page: Page) -> list[str]:
    return page.locator("tbody th a").all_text_contents()


def test_events_are_found_by_filters_that_are_in_the_address(
    new_key: NewKey, sign_in: SignIn, open_page: OpenPage
) -> None:
    made = new_key("read", name=MARKUP)
    page = sign_in("#/access/audit")
    page.get_by_label("What", exact=True).select_option("Key created")
    page.get_by_label("From").fill("2020-01-01T00:00")
    page.get_by_role("button", name="Show").click()

    expect(page).to_have_url(re.compile(r"action=key\.created.*since=2020"))
    open_page.settle(page)
    assert set(actions(page)) == {"Key created"}
    page.reload()
    expect(page.get_by_label("What", exact=True)).to_have_value("key.created")
    page.get_by_label("Who").fill(made["id"])
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="No event")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Who")).to_have_value("")
    page.get_by_role("link", name="Clear the filters").click()
    expect(page.get_by_label("What", exact=True)).to_have_value("")


def test_older_events_are_on_further_pages(new_key: NewKey, sign_in: SignIn, open_page: OpenPage) -> None:
    key = new_key("admin", name="busy")
    with ApiClient(str(sign_in("#/account").url).split("/#")[0], headers={"X-API-Key": key["key"]}) as busy:
        for _ in range(51):
            busy.post("/v1/keys", json={"name": "one of many", "roles": ["read"]})
    [page] = open_page._context.pages
    page.goto(page.url.split("#")[0] + f"#/access/audit?caller={key['id']}")
    expect(page.locator("tbody tr")).to_have_count(50)

    page.get_by_role("link", name="Older events").click()

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_role("link", name="Older events")).to_have_count(0)
    page.get_by_role("link", name="Newest events").click()
    expect(page.locator("tbody tr")).to_have_count(50)


def test_a_search_is_explained_with_both_faces_side_by_side(search: dict[str, Any], sign_in: SignIn) -> None:
    page = sign_in("#/access/audit?action=search")
    page.get_by_role("link", name="Faces identified").first.click()

    expect(page.get_by_role("heading", name="Why this answer")).to_be_visible()
    expect(page.get_by_text(f"The face was matched with {MARKUP}")).to_be_visible()
    crops = page.locator("figure img")
    expect(crops).to_have_count(3)
    for i in range(3):
        assert width_when_loaded(crops.nth(i)) > 50
    expect(page.get_by_text("above the threshold", exact=False).first).to_be_visible()
    assert page.url.endswith(search["audit_id"])


def test_a_match_is_said_to_be_wrong_and_the_statement_is_undone(
    search: dict[str, Any], api: ApiClient, sign_in: SignIn
) -> None:
    def disputes() -> list[Any]:
        explained = api.get(f"/v1/audit/{search['audit_id']}/explain").json()
        return list(explained["faces"][0]["candidates"][0]["disputes"])

    page = sign_in(f"#/access/audit/{search['audit_id']}")
    page.get_by_role("button", name="Not this person").first.click()
    expect(page.get_by_text("GEMEL_API_KEY said: not this person")).to_be_visible()
    assert len(disputes()) == 1
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("GEMEL_API_KEY said: not this person")).to_have_count(0)
    assert disputes() == []


def test_what_was_said_leads_from_the_record_to_the_search_where_it_is_taken_back(
    search: dict[str, Any], api: ApiClient, sign_in: SignIn
) -> None:
    person = search["faces"][0]["candidates"][0]["identity"]["id"]
    api.post(f"/v1/audit/{search['audit_id']}/disputes", json={"face": 0, "identity_id": person})
    page = sign_in("#/access/audit?action=search.disputed")
    page.get_by_role("link", name="Match marked as wrong").first.click()
    expect(page.get_by_role("heading", name="Match marked as wrong")).to_be_visible()
    page.get_by_role("link", name="Open the search").click()
    page.get_by_role("button", name="It is this person after all").click()
    expect(page.get_by_role("button", name="Not this person").first).to_be_visible()
    page.goto(page.url.split("#")[0] + "#/access/audit?action=search.disputed")
    expect(page.get_by_role("link", name="Taken back: not this person").first).to_be_visible()


def test_a_search_is_repeated_today(search: dict[str, Any], api: ApiClient, sign_in: SignIn) -> None:
    page = sign_in(f"#/access/audit/{search['audit_id']}")
    page.get_by_role("button", name="Search again").click()
    expect(page.get_by_text("The same answer")).to_be_visible()

    person = search["faces"][0]["candidates"][0]["identity"]["id"]
    api.delete(f"/v1/galleries/staff/identities/{person}")
    page.reload()
    expect(page.get_by_text("Deleted person")).to_be_visible()


def test_a_key_for_one_gallery_sees_why_without_the_record(
    search: dict[str, Any], new_key: NewKey, sign_in: SignIn
) -> None:
    """The record is about all galleries."""
    watched = new_key("admin", galleries=["staff"])["key"]
    page = sign_in("#/account", watched)
    page.evaluate("() => {}")
    page.goto(page.url.split("#")[0] + f"#/access/audit/{search['audit_id']}")

    expect(page.get_by_role("heading", name="Why this answer")).to_be_visible()
    expect(page.get_by_role("heading", name="In the audit record")).to_have_count(0)


def test_an_explained_search_is_accessible(search: dict[str, Any], sign_in: SignIn) -> None:
    page = sign_in(f"#/access/audit/{search['audit_id']}", theme="dark", width=360)
    faults = accessibility.violations(page)
    page.emulate_media(color_scheme="light")
    faults += accessibility.violations(page)

    assert faults == []
    assert page.evaluate("document.scrollingElement.scrollWidth") == 360
