"""A server that requires keys, and people who sign in."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.watch import Watch

BOOTSTRAP = "correct horse battery staple"
NOT_SIGNED_IN = r"status of 401 \(Unauthorized\) at http://[^/]+/v1/session$"
"""What a browser logs when somebody who is not signed in opens the console."""

SignIn = Callable[..., Page]


@pytest.fixture(scope="module")
def server_settings() -> dict[str, Any]:
    return {"api_key": BOOTSTRAP}


@pytest.fixture
def sign_in(open_page: OpenPage, watch: Watch) -> SignIn:
    """`sign_in("#/access", key)`: opens a page as somebody who is not signed in, and signs in there."""

    def sign_in(address: str = "", key: str = BOOTSTRAP, **window: Any) -> Page:
        watch.expect(NOT_SIGNED_IN)
        page = open_page(address, **window)
        page.get_by_label("API key").fill(key)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Sign in")).to_have_count(0)
        open_page.settle(page)
        return page

    return sign_in


@pytest.fixture
def new_key(api: ApiClient) -> Callable[..., dict[str, Any]]:
    def new_key(*roles: str, **fields: Any) -> dict[str, Any]:
        return dict(api.post("/v1/keys", json={"name": "test", "roles": list(roles), **fields}).json())

    return new_key
