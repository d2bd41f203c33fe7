"""Texts of strangers are text on every page: none becomes markup or a program."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.routes import Route, routes
from tests.support.browser.watch import Watch

IMAGE = '<img src=x class=planted onerror="window.planted = 1">'
SCRIPT = '"><script class=planted>window.planted = 1</script>'
ATTRIBUTE = "' onmouseover='window.planted = 1' class='planted"
ADDRESS = "javascript:window.planted=1"
TEMPLATE = "${window.planted = 1}{{constructor.constructor('window.planted = 1')()}}"
PROPERTY = "__proto__"
TEXTS = (IMAGE, SCRIPT, ATTRIBUTE, ADDRESS, TEMPLATE, PROPERTY)
TRACES = "() => document.querySelectorAll('.planted, [onerror], [onmouseover], [href^=javascript]').length"


@pytest.fixture(scope="module")
def hostile_parts(server: str, hopper: bytes) -> Iterator[dict[str, str]]:
    """A gallery of people whose every text is hostile, and an address that names one."""
    with ApiClient(server) as api:
        gallery = api.create_gallery("constructor")  # also a property of each object of JavaScript
        api.patch(f"/v1/galleries/{gallery}", json={"duplicate_check": "review"})
        people = [
            api.enrol(
                gallery, text, hopper, external_id=text, metadata={text: text, "list": [text, {text: 1}]}
            )
            for text in TEXTS
        ]
        [event] = api.get("/v1/audit", params={"limit": 1}).json()["events"]
        imported = api.post(f"/v1/galleries/{gallery}/imports", json={"name": IMAGE}).json()
        job = api.post("/v1/reindexes", json={"gallery": gallery, "to": "dlib-resnet"}).json()
        yield {
            "gallery": gallery,
            "person.id": people[0]["id"],
            "event.id": event["id"],
            "import.id": imported["id"],
            "reindex.id": job["id"],
        }
        api.delete_galleries()


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.name)
def test_texts_of_people_and_files_stay_text(
    route: Route, open_page: OpenPage, watch: Watch, parts: dict[str, str], hostile_parts: dict[str, str]
) -> None:
    page = open_page(route.address(parts | hostile_parts))
    page.mouse.move(640, 400)
    check(page)

    watch.allow("415", "422")  # it is no picture
    file = FilePayload(name=f"{IMAGE}.jpg", mimeType="image/jpeg", buffer=b"nothing")
    fields = page.locator("main input[type=file]:not([webkitdirectory])")
    for place in range(fields.count()):
        if place < fields.count():  # the page may have taken the first file for more than a field
            fields.nth(place).set_input_files([file])
            open_page.settle(page)
            check(page)


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.name)
def test_texts_of_an_address_stay_text(
    route: Route, open_page: OpenPage, watch: Watch, parts: dict[str, str]
) -> None:
    """Somebody may send such an address to somebody else."""
    watch.allow("404", "422", "page not shown")
    hostile = dict.fromkeys(parts, IMAGE)
    query = urlencode(dict.fromkeys(("q", "name", "state", "cursor", "gallery", "key", "action"), SCRIPT))
    page = open_page(f"{route.address(parts)}?{query}")
    check(page)
    open_page.go(page, route.address(hostile))
    open_page.settle(page)
    check(page)


def test_a_person_with_a_hostile_name_is_shown_by_that_name(
    open_page: OpenPage, hostile_parts: dict[str, str]
) -> None:
    page = open_page(f"#/galleries/constructor/people/{hostile_parts['person.id']}")
    expect(page.get_by_role("heading", name=IMAGE)).to_be_visible()


def check(page: Page) -> None:
    assert page.evaluate(TRACES) == 0
    assert page.evaluate("() => window.planted") is None
