"""A first visit: one photograph is enrolled, another is found."""

from playwright.sync_api import expect

from tests.browser.recognition.conftest import Drop, file
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage


def test_a_newcomer_finds_a_sample_person_with_two_clicks_in_an_empty_installation(
    open_page: OpenPage, api: ApiClient
) -> None:
    page = open_page()
    assert page.url.endswith("#/try"), "an empty installation opens it by itself"
    assert api.get("/v1/galleries").json()["galleries"] == [], "nothing is created before it is needed"

    page.get_by_role("button", name="Grace Hopper").click()
    expect(page.get_by_label("Gallery")).to_have_value("try")
    expect(page.get_by_role("link", name="People", exact=True)).to_be_visible()
    page.get_by_role("button", name="Grace Hopper, mirrored").click()
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()
    expect(page.get_by_text("at most one false alarm in 100 searches")).to_be_visible()
    assert not accessibility.violations(page)

    page.get_by_role("button", name="Eileen Collins, not enrolled").click()
    expect(page.get_by_role("heading", name="This person is not enrolled.")).to_be_visible()
    [gallery] = api.get("/v1/galleries").json()["galleries"]
    assert (gallery["name"], gallery["identities"]) == ("try", 1)


def test_own_photographs_are_dropped_and_pasted_and_the_name_comes_from_the_file(
    open_page: OpenPage, api: ApiClient, drop: Drop, hopper: bytes, collins: bytes
) -> None:
    page = open_page("#/try")
    drop(page, hopper, name="grace_hopper-2.jpg")
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_have_value("grace hopper")
    name.fill("Grace")
    name.blur()

    drop(page, hopper, name="pasted")
    expect(page.get_by_role("heading", name="This is Grace.")).to_be_visible()

    page.get_by_role("button", name="Delete Grace").click()
    expect(page.get_by_role("heading", name="1. Add a photograph of one person")).to_be_visible()
    assert api.get("/v1/galleries/try").json()["identities"] == 0


def test_a_picture_without_a_face_says_what_to_do(
    open_page: OpenPage, api: ApiClient, nobody: bytes, watch_unprocessable: None
) -> None:
    page = open_page("#/try")
    page.get_by_label("Drop a photograph of one person here").set_input_files(file(nobody))
    expect(page.get_by_role("alert").filter(has_text="No face was found. Use a photograph")).to_be_visible()


def test_who_was_enrolled_at_an_earlier_visit_is_found_at_the_next(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    api.create_gallery("try")
    api.enrol("try", "Grace Hopper", hopper)
    page = open_page("#/try")
    page.get_by_role("button", name="Grace Hopper, mirrored").click()
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()


def test_the_whole_way_works_with_the_keyboard_alone(open_page: OpenPage, api: ApiClient) -> None:
    page = open_page("#/try")

    def press(name: str) -> None:
        """Tab until the button has the focus, then Enter."""
        target = page.get_by_role("button", name=name)
        for _ in range(40):
            page.keyboard.press("Tab")
            if target.evaluate("button => button === document.activeElement"):
                page.keyboard.press("Enter")
                return
        raise AssertionError(f"the keyboard does not reach {name}")

    press("Grace Hopper")
    expect(page.get_by_text("Grace Hopper is enrolled.")).to_be_visible()
    press("Grace Hopper, mirrored")
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()
    press("Face 1: Grace Hopper")
    expect(page.get_by_role("button", name="Face 1")).to_have_attribute("aria-pressed", "true")
    press("Not this person")
    expect(page.get_by_text("You said: this is not Grace Hopper.").first).to_be_visible()
