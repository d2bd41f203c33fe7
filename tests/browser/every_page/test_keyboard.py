"""Everything that a mouse reaches, the Tab key reaches, and one sees where one is."""

import pytest
from playwright.sync_api import BrowserContext

from tests.support.browser import keyboard
from tests.support.browser.pages import OpenPage
from tests.support.browser.routes import Route, routes


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.name)
def test_tab_reaches_every_control_and_the_focus_shows(
    route: Route, open_page: OpenPage, context: BrowserContext, parts: dict[str, str]
) -> None:
    keyboard.install(context)
    page = open_page(route.address(parts))
    faults = keyboard.faults(page)
    assert not faults, "\n".join(faults)
