"""Accessible in both themes, as wide as the window, without jumps."""

from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.support.browser import accessibility
from tests.support.browser.pages import OpenPage
from tests.support.browser.routes import Route, routes

NOTE_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver(list => window.shifts.push(...list.getEntries().map(entry => ({
        value: entry.value,
        moved: entry.sources.map(({node}) => node?.nodeName + "." + (node?.className ?? "")),
    })))).observe({type: "layout-shift", buffered: true});
"""
LARGEST_SHIFT = 0.02
"""Share of the window that moves, times how far. Browsers call up to 0.1 good."""
SHAPE = """() => {
    const headings = [...document.querySelectorAll("h1")].map(h => h.textContent.trim());
    const {scrollWidth, clientWidth} = document.scrollingElement;
    const outside = [...document.querySelectorAll("main *")]
        .filter(e => e.getBoundingClientRect().right > clientWidth + 1).map(e => e.outerHTML.slice(0, 100));
    return {headings, scrollWidth, clientWidth, outside: outside.slice(0, 5), title: document.title};
}"""


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.name)
def test_a_page_is_accessible_fits_every_window_and_does_not_jump(
    route: Route, open_page: OpenPage, context: BrowserContext, parts: dict[str, str]
) -> None:
    context.add_init_script(NOTE_SHIFTS)
    page = open_page(route.address(parts))

    shifts = page.evaluate("() => window.shifts")
    faults = [f"jumps: {shifts}"] if sum(shift["value"] for shift in shifts) > LARGEST_SHIFT else []
    faults += violations(page, "light, 1280 px")
    shape = page.evaluate(SHAPE)
    if len(shape["headings"]) != 1 or not shape["headings"][0] or not shape["title"].endswith(" - Gemel"):
        faults.append(f"a page has one heading and a title: {shape}")

    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 360, "height": 740})
    faults += violations(page, "dark, 360 px") + too_wide(page, "360 px")
    page.set_viewport_size({"width": 2560, "height": 1440})
    faults += too_wide(page, "2560 px")

    assert not faults, "\n".join(faults)


def violations(page: Page, where: str) -> list[str]:
    return [f"{where}: {one}" for one in accessibility.violations(page)]


def too_wide(page: Page, where: str) -> list[str]:
    shape: dict[str, Any] = page.evaluate(SHAPE)
    fits = shape["scrollWidth"] <= shape["clientWidth"]
    return [] if fits else [f"{where}: {shape['scrollWidth']} px wide: {shape['outside']}"]
