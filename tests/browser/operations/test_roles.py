"""What a key for some galleries shows of the server, and what a role without the right may not do."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.signing_in import sign_in


@pytest.fixture(scope="module")
def server_settings() -> dict[str, Any]:
    return {"api_key": "correct horse battery staple"}


def test_a_key_for_some_galleries_shows_their_indexes_and_nothing_of_the_server(
    open_page: OpenPage, context: BrowserContext, api: ApiClient, server: str
) -> None:
    own, other = api.create_gallery("north-gate"), api.create_gallery("staff")
    new = {"name": "gate", "roles": ["read"], "galleries": ["north-*"]}
    sign_in(context, server, api.post("/v1/keys", json=new).json()["key"])
    page = open_page("#/operations")

    expect(page.get_by_text("Your key is for some galleries")).to_be_visible()
    expect(page.get_by_role("rowheader", name=own)).to_be_visible()
    expect(page.get_by_text(other)).to_have_count(0)
    expect(page.get_by_role("region", name="Traffic")).to_have_count(0)
    expect(page.get_by_role("button", name=f"Rebuild the index of {own}")).to_have_count(0)
