"""The policy is a sentence with a slider: seen before it is saved, saved by one button, undone by another."""

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from indexer.records.database.session import Database
from tests.support import strangers
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.watch import Watch

PAGE = "#/galleries/staff/models"


@pytest.fixture
def staff(api: ApiClient, hopper: bytes, collins: bytes) -> str:
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper)
    api.enrol("staff", "Eileen Collins", collins)
    return "staff"


def sentence(page: Page, searches: str) -> None:
    expect(page.locator(".policy-sentence")).to_have_text(
        f"At most one false alarm in {searches} searches for strangers."
    )


def fpir(api: ApiClient) -> float | None:
    found: float | None = api.get("/v1/galleries/staff").json()["identify_fpir"]
    return found


def test_the_slider_shows_what_a_policy_means_and_it_is_saved_and_undone(
    open_page: OpenPage, api: ApiClient, staff: str
) -> None:
    page = open_page(PAGE)
    sentence(page, "100")
    save = page.get_by_role("button", name="Save", exact=True)
    expect(save).to_be_disabled()
    before = api.get(f"/v1/galleries/{staff}/calibration/preview?fpir=0.01").json()
    after = api.get(f"/v1/galleries/{staff}/calibration/preview?fpir=0.001").json()
    figures = page.locator(".policy-figures")
    expect(figures).to_contain_text(f"{before['threshold']:.3f}")

    page.get_by_role("slider", name="False alarms that you allow").fill("6")

    sentence(page, "1,000")
    expect(figures).to_contain_text(f"{after['threshold']:.3f}")
    expect(figures).to_contain_text("up to 100 faces")
    expect(page.locator(".curve .threshold")).to_contain_text(f"Threshold {after['threshold']:.3f}")
    assert fpir(api) is None, "nothing is saved yet"
    save.click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    expect(save).to_be_disabled()
    assert fpir(api) == 0.001

    page.get_by_role("button", name="Undo").click()
    sentence(page, "100")
    assert fpir(api) is None, "as the settings say, like before"


def test_what_the_measurement_does_not_support_cannot_be_saved_and_the_page_says_why(
    open_page: OpenPage, staff: str
) -> None:
    page = open_page(f"{PAGE}?fpir=0.000005")

    sentence(page, "200,000")
    expect(page.get_by_text("The measurement does not support so few false alarms")).to_be_visible()
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
    page.get_by_role("button", name="Reset to the saved policy").click()
    sentence(page, "100")
    assert "fpir" not in page.url


def test_a_policy_is_seen_in_a_larger_gallery_before_it_has_grown(
    open_page: OpenPage, api: ApiClient, staff: str
) -> None:
    page = open_page(PAGE)
    larger = api.get(f"/v1/galleries/{staff}/calibration/preview?fpir=0.01&faces=100000").json()

    page.get_by_label("For a gallery of").select_option("100000")

    expect(page.locator(".policy-figures")).to_contain_text(f"{larger['threshold']:.3f}")
    assert "faces=100000" in page.url, "a deep link"


def test_the_policy_is_set_and_undone_with_the_keyboard_alone(
    open_page: OpenPage, api: ApiClient, staff: str
) -> None:
    page = open_page(PAGE)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "range":
            break
    page.keyboard.press("ArrowRight")
    sentence(page, "200")
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "Save":
            break
    page.keyboard.press("Enter")
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    assert fpir(api) == 0.005
    undo.focus()
    page.keyboard.press("Enter")

    sentence(page, "100")
    assert fpir(api) is None


def test_the_curve_is_a_table_too(open_page: OpenPage, staff: str) -> None:
    page = open_page(PAGE)

    page.get_by_text("Show the figures as a table").click()

    rows = page.get_by_role("region", name="Figures of the curve").get_by_role("row")
    expect(rows).to_have_count(1 + 11)
    expect(rows.nth(1)).to_contain_text("75 %")


def test_a_gallery_is_measured_on_its_own_people_by_one_button(
    open_page: OpenPage, api: ApiClient, empty_database: str, staff: str
) -> None:
    database = Database(empty_database)
    strangers.enrol(database, staff, 120)
    database.close()
    page = open_page(PAGE)

    page.get_by_role("button", name="Measure on your own people").click()

    expect(page.get_by_text("Measured on the 122 people of this gallery")).to_be_visible()
    expect(page.get_by_role("button", name="Measure again")).to_be_visible()
    expect(page.get_by_text("The measurement does not support so few false alarms")).to_be_visible()
    assert api.get(f"/v1/galleries/{staff}/calibration").json()["calibration"] == "gallery"


def test_a_policy_that_the_server_rejects_is_explained_and_stays_as_it_was(
    open_page: OpenPage, api: ApiClient, staff: str, watch: Watch
) -> None:
    """As when many people were enrolled meanwhile."""
    page = open_page(PAGE)
    watch.expect("status of 409")
    problem = {
        "title": "Conflict",
        "status": 409,
        "code": "policy_unsupported",
        "detail": "it is rejected: N",
    }
    page.route(
        "**/v1/galleries/staff",
        lambda route: (
            route.fulfill(status=409, json=problem) if route.request.method == "PATCH" else route.continue_()
        ),
    )
    page.get_by_role("slider").fill("6")

    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("It is rejected: N.")).to_be_visible()
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_enabled()
    assert fpir(api) is None


def test_who_may_only_read_sees_everything_and_can_change_nothing(
    open_page: OpenPage, api: ApiClient, context: BrowserContext, staff: str
) -> None:
    job = api.post("/v1/reindexes", json={"gallery": staff, "to": "dlib-resnet"}).json()
    session = api.get("/v1/session").json() | {"permissions": ["read"]}
    context.route("**/v1/session", lambda route: route.fulfill(json=session))
    page = open_page(PAGE)

    expect(page.get_by_text("Your key does not allow you to change this.")).to_be_visible()
    expect(page.get_by_role("slider")).to_be_disabled()
    expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    expect(page.get_by_role("radio")).to_have_count(0)
    page.get_by_role("link", name="Show the change").click()
    expect(page.get_by_role("heading", name="dlib-resnet embeds the faces")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    api.post(f"/v1/reindexes/{job['id']}/cancel")
