"""Identify before the camera."""

from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.webcam import Webcam

PAGE = "#/galleries/staff/identify?camera=on"
HIDE = """() => {
    Object.defineProperty(document, "hidden", {value: true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""
CAMERA_IS_LIVE = (
    "() => document.querySelector('video').srcObject.getTracks().some(t => t.readyState === 'live')"
)


def requests_of(page: Page) -> list[Request]:
    found: list[Request] = []
    page.on("request", lambda request: found.append(request) if request.method == "POST" else None)
    return found


def test_somebody_before_the_camera_gets_a_name_and_the_camera_goes_off_with_the_page(
    open_page: OpenPage, api: ApiClient, webcam: Webcam, hopper: bytes
) -> None:
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper)
    webcam.show(hopper)
    page = open_page(PAGE, settled=False)
    crops: list[str] = []
    page.on("request", lambda request: crops.append(request.url) if request.url.endswith("/crop") else None)
    expect(page.get_by_text("The camera is on").first).to_be_visible()
    expect(page.get_by_role("img", name="Grace Hopper").first).to_be_visible()
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()
    assert not accessibility.violations(page)
    for _ in range(2):
        with page.expect_response("**/identify"):
            pass
    assert len(crops) <= 1, "the audit record notes whenever a face is shown"

    page.evaluate("() => (window.tracks = document.querySelector('video').srcObject.getTracks())")
    page.evaluate(HIDE)
    expect(page.get_by_text("The camera was turned off because you left")).to_be_visible()
    assert page.evaluate("() => window.tracks.every(track => track.readyState === 'ended')")


def test_an_empty_room_is_not_searched(open_page: OpenPage, api: ApiClient, webcam: Webcam) -> None:
    api.create_gallery("staff")
    webcam.show()
    page = open_page("#/galleries/staff/identify")
    sent = requests_of(page)
    with page.expect_response("**/v1/detect"):
        page.get_by_role("button", name="Identify live").click()
    expect(page.get_by_text("Nobody is in front of the camera yet.")).to_be_visible()
    page.get_by_role("button", name="Turn the camera off").click()
    expect(page.get_by_role("button", name="Identify live")).to_be_visible()
    assert not [request.url for request in sent if "identify" in request.url]


def test_a_camera_that_is_not_allowed_says_what_to_do(
    open_page: OpenPage, api: ApiClient, webcam: Webcam
) -> None:
    api.create_gallery("staff")
    webcam.deny()
    page = open_page(PAGE, settled=False)
    expect(
        page.get_by_role("alert").filter(has_text="does not allow this page to use the camera")
    ).to_be_visible()
    with page.expect_file_chooser():
        page.get_by_role("button", name="Choose a photograph").click()


def test_a_photograph_is_taken_with_the_camera(
    open_page: OpenPage, api: ApiClient, webcam: Webcam, hopper: bytes
) -> None:
    webcam.show(hopper)
    page = open_page("#/try")
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take the photograph").click()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("Person 1")
    assert api.get("/v1/galleries/try").json()["faces"] == 1


def test_a_page_that_browsers_do_not_trust_says_why_it_has_no_camera(
    open_page: OpenPage, api: ApiClient, context: BrowserContext
) -> None:
    api.create_gallery("staff")
    context.add_init_script("Object.defineProperty(window, 'isSecureContext', {value: false})")
    page = open_page(PAGE)
    expect(page.get_by_role("alert").filter(has_text="only to pages at localhost or https")).to_be_visible()
