"""Keys that may search in a gallery but may not list the galleries."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.access.conftest import SignIn
from tests.support.browser.client import ApiClient

NewKey = Callable[..., dict[str, Any]]


def test_a_key_for_one_gallery_gets_to_it(sign_in: SignIn, new_key: NewKey, api: ApiClient) -> None:
    api.post("/v1/galleries", json={"name": "door"})

    page = sign_in("", new_key("identify", galleries=["door"])["key"])

    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    expect(page.get_by_label("Gallery", exact=True)).to_have_value("door")
    assert page.url.endswith("#/galleries/door/identify")


def test_a_key_that_names_no_gallery_asks_for_one_and_remembers_it(
    sign_in: SignIn, new_key: NewKey, api: ApiClient
) -> None:
    api.post("/v1/galleries", json={"name": "door"})
    page = sign_in("", new_key("verify")["key"])

    expect(page.get_by_role("heading", name="Which gallery?")).to_be_visible()
    page.get_by_label("Gallery", exact=True).fill("door")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#/galleries/door/verify$"))
    page.goto(page.url.partition("#")[0] + "#/")
    expect(page).to_have_url(re.compile("#/galleries/door/verify$"))
