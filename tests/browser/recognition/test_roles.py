"""The pages show what the role of a key may do."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.recognition.conftest import Drop
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage

ADMIN_KEY = "an-admin-key-of-this-test-0123456789"


@pytest.fixture(scope="module")
def server_settings() -> dict[str, Any]:
    return {"api_key": ADMIN_KEY}


def sign_in(context: BrowserContext, api: ApiClient, role: str) -> None:
    made = api.post("/v1/keys", json={"name": role, "roles": [role]}).json()
    answer = context.request.post(f"{api.base_url}/v1/session", headers={"X-API-Key": made["key"]})
    assert answer.status == 201


def test_who_may_only_identify_sees_the_name_and_no_button_that_enrols(
    context: BrowserContext, open_page: OpenPage, api: ApiClient, drop: Drop, hopper: bytes
) -> None:
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper)
    sign_in(context, api, "identify")
    page = open_page("#/galleries/staff/identify")
    drop(page, hopper)
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()
    expect(page.get_by_role("button", name="Not this person")).to_be_visible()
    expect(page.get_by_text("Enrol as a new person")).to_have_count(0)
    expect(page.get_by_role("button", name="Add to")).to_have_count(0)
    expect(page.get_by_role("img", name="Enrolled face")).to_have_count(0)
    expect(page.get_by_text("Why this answer?")).to_have_count(0)

    page.get_by_role("button", name="Not this person").click()
    expect(page.get_by_text("You said: this is not Grace Hopper.").first).to_be_visible()


def test_the_last_picture_is_gone_after_signing_out(
    context: BrowserContext, open_page: OpenPage, api: ApiClient, drop: Drop, hopper: bytes
) -> None:
    api.create_gallery("staff")
    sign_in(context, api, "identify")
    page = open_page("#/galleries/staff/identify")
    drop(page, hopper)
    answer = page.get_by_role("heading", name="Nobody is enrolled in this gallery yet.")
    expect(answer).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("API key").fill(ADMIN_KEY)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    expect(answer).to_have_count(0)


def test_who_may_only_verify_compares_two_pictures(
    context: BrowserContext, open_page: OpenPage, api: ApiClient, drop: Drop, hopper: bytes
) -> None:
    api.create_gallery("staff")
    sign_in(context, api, "verify")
    page = open_page("#/galleries/staff/verify")
    drop(page, hopper)
    expect(page.get_by_role("button", name="Another photograph")).to_be_visible()
    drop(page, hopper)
    expect(page.get_by_role("heading", name="The same person")).to_be_visible()
    expect(page.get_by_label("a person of this gallery")).to_have_count(0)
