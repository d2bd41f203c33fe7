"""The page for operators: whether all is well, indexes, errors with their requests, charts."""

import logging
import re

from playwright.sync_api import BrowserContext, expect

from indexer.logs import request_id
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.watch import Watch

PAGE = "#/operations"


def test_an_operator_sees_that_all_is_well_and_rebuilds_an_index(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    gallery = api.create_gallery("staff")
    api.enrol(gallery, "Grace Hopper", hopper)
    api.post(f"/v1/galleries/{gallery}/identify", files={"image": hopper})
    page = open_page(PAGE)

    expect(
        page.get_by_role("heading", name=re.compile(r"^No problems|^\d+ (warning|problem)"))
    ).to_be_visible()
    row = page.get_by_role("row").filter(has_text=gallery)
    expect(row.get_by_text("Ready")).to_be_visible()
    page.get_by_role("button", name=f"Compare the index of {gallery} with PostgreSQL").click()
    expect(row.get_by_text("Equal to PostgreSQL")).to_be_visible()
    page.get_by_role("button", name=f"Rebuild the index of {gallery}").click()

    expect(page.get_by_text(f"The index of {gallery} is being rebuilt.")).to_be_visible()
    [status] = api.get("/v1/indexes").json()["galleries"]
    assert status["rebuild_number"] == 1


def test_a_job_is_shown_with_its_progress_and_leads_to_its_page(open_page: OpenPage, api: ApiClient) -> None:
    gallery = api.create_gallery("staff")
    created = api.post(f"/v1/galleries/{gallery}/imports", json={"name": "<b>Badges</b>", "files": 10}).json()
    page = open_page(PAGE)

    job = page.get_by_role("link", name=f"Import into {gallery}: <b>Badges</b>")
    expect(job).to_have_attribute("href", f"#/galleries/{gallery}/imports/{created['id']}")
    expect(page.get_by_text("0 of 0 people enrolled.")).to_be_visible()


def test_what_is_not_well_is_said_first_with_what_to_do(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    finding = {"check": "disk", "level": "problem", "code": "disk_space_low"}
    body = {"level": "problem", "at": "2026-01-31T09:30:00Z", "seconds": 0.1}
    words = {"text": "Only 10 MB are free.", "advice": "Run `gemel index prune`."}
    page.route("**/v1/doctor", lambda route: route.fulfill(json=body | {"findings": [finding | words]}))

    page.get_by_role("button", name="Check again").click()

    expect(page.get_by_role("heading", name="1 problem")).to_be_visible()
    expect(page.get_by_text("Only 10 MB are free.")).to_be_visible()
    expect(page.get_by_text("gemel index prune")).to_be_visible()


def test_an_error_is_shown_with_its_request_which_can_be_copied_and_followed(
    open_page: OpenPage, context: BrowserContext
) -> None:
    """As the log has it: text, whatever is in it."""
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    token = request_id.set("of-this-request")
    logging.getLogger("indexer.test").error("cannot search <img src=x onerror=alert(1)>")
    request_id.reset(token)
    page = open_page(PAGE)
    error = page.get_by_role("listitem").filter(has_text="cannot search <img src=x onerror=alert(1)>")
    while not error.is_visible():  # it is stored within a second
        page.get_by_label("Errors only").click()

    error.get_by_role("button", name="Copy the request id of-this-request").click()

    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("() => navigator.clipboard.readText()") == "of-this-request"
    followed = error.get_by_role("link").get_attribute("href")
    assert followed is not None
    assert followed.startswith("#/access/audit?request_id=of-this-request&since=")


def test_a_chart_is_read_with_the_keyboard_and_as_a_table(
    open_page: OpenPage, context: BrowserContext, api: ApiClient
) -> None:
    context.clock.install()
    page = open_page(PAGE)
    chart = page.get_by_role("slider", name="Requests, per second")
    for scrapes in range(1, 4):
        api.get("/v1/models")
        page.clock.fast_forward(5_500)
        expect(chart).to_have_attribute("aria-valuemax", str(scrapes - 1))

    chart.focus()
    last = chart.get_attribute("aria-valuetext")
    chart.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "0")
    first = chart.get_attribute("aria-valuetext")
    chart.press("ArrowRight")
    expect(chart).to_have_attribute("aria-valuenow", "1")
    chart.press("End")
    expect(chart).to_have_attribute("aria-valuetext", last or "")

    assert first != last
    assert "All 0.1" in (last or ""), "one request in some seconds"
    figure = page.get_by_role("figure").filter(has=chart)
    figure.get_by_text("As a table").click()
    expect(figure.get_by_role("row")).to_have_count(1 + 3)


def test_without_its_metrics_the_page_says_so_and_shows_the_rest(
    open_page: OpenPage, context: BrowserContext, watch: Watch
) -> None:
    problem = {"title": "Forbidden", "status": 403, "code": "permission_denied", "detail": "no"}
    watch.expect("console error: .* 403 .*/metrics")
    context.route(
        "**/metrics", lambda route: route.fulfill(status=403, json=problem, headers={"X-Request-Id": "r-7"})
    )
    page = open_page(PAGE)

    traffic = page.get_by_role("region", name="Traffic")
    expect(traffic.get_by_text("Your key does not allow this.")).to_be_visible()
    expect(traffic.get_by_text("Request r-7")).to_be_visible()
    expect(page.get_by_role("table", name="Processes")).to_be_visible()


def test_a_server_that_stops_answering_is_not_said_to_be_well(
    open_page: OpenPage, context: BrowserContext, watch: Watch
) -> None:
    context.clock.install()
    page = open_page(PAGE)
    watch.expect(r"request failed: .*/(metrics|v1/\w+)")
    watch.expect("console error: Failed to load resource: net::ERR_INTERNET_DISCONNECTED")
    context.set_offline(True)
    page.clock.fast_forward(5_500)

    expect(page.get_by_role("heading", name="The checks could not be made")).to_be_visible()

    context.set_offline(False)
    page.clock.fast_forward(5_500)
    expect(page.get_by_role("heading", name="The checks could not be made")).to_have_count(0)


def test_the_text_of_metrics_is_understood(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    lines = [
        "# HELP a b",
        'gemel_errors_total{code="a\\"b\\\\n\\n",pid="1"} 3.0',
        "gemel_faces 1e3 1700000000",
        'gemel_s_bucket{le="+Inf"} 4',
        "nonsense {",
    ]
    module = "const m = await import(new URL('console/pages/operations/metrics-text.js', document.baseURI));"

    parsed = page.evaluate(f"async text => {{ {module} return m.parse(text); }}", "\n".join(lines))

    assert parsed == [
        {"name": "gemel_errors_total", "labels": {"code": 'a"b\\n\n', "pid": "1"}, "value": 3},
        {"name": "gemel_faces", "labels": {}, "value": 1000},
        {"name": "gemel_s_bucket", "labels": {"le": "+Inf"}, "value": 4},
    ]


def test_quantiles_are_those_of_prometheus(open_page: OpenPage) -> None:
    page = open_page(PAGE)
    module = "const m = await import(new URL('console/pages/operations/history.js', document.baseURI));"
    counts = "new Map([[0.1, 10], [0.5, 30], [Infinity, 40]])"
    none = "new Map()"

    found = page.evaluate(
        f"async () => {{ {module} return [0.25, 0.5, 0.99].map(q => m.quantile({none}, {counts}, q))"
        f".concat(m.quantile({counts}, {counts}, 0.5)); }}"
    )

    assert found == [0.1, 0.30000000000000004, 0.5, None]
