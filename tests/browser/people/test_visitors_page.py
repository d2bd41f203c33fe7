"""Unknown visitors: remembered by the gallery's policy, seen again, named, forgotten."""

from playwright.sync_api import Page, expect

from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage

PAGE = "#/galleries/lobby/visitors"


def lobby(api: ApiClient, *faces: bytes) -> None:
    """A gallery that remembers unknown people, and has seen `faces`."""
    api.create_gallery("lobby")
    api.patch("/v1/galleries/lobby", json={"remember_unknown": True})
    for face in faces:
        api.identify("lobby", face)


def choose(page: Page, picture: bytes) -> None:
    file = {"name": "who.jpg", "mimeType": "image/jpeg", "buffer": picture}
    page.get_by_label("Drop a photograph here").set_input_files(file)  # type: ignore[arg-type]


def test_the_policy_is_set_and_the_page_of_visitors_says_what_it_means(
    open_page: OpenPage, api: ApiClient
) -> None:
    api.create_gallery("lobby")
    page = open_page(PAGE)
    expect(page.get_by_text("This gallery does not remember people who match nobody.")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Settings").click()
    page.get_by_label("Remember faces that match nobody").check()
    hours = page.get_by_label("Forget after")
    hours.fill("48")
    hours.press("Enter")
    expect(page.get_by_text("Saved.")).to_have_count(2)
    policy = api.get("/v1/galleries/lobby").json()
    assert (policy["remember_unknown"], policy["visitor_lifetime_hours"]) == (True, 48)
    assert accessibility.violations(page) == []

    page.get_by_role("link", name="See the unknown visitors").click()
    expect(page.get_by_text("remembered for 2 days since they were seen last")).to_be_visible()
    expect(page.get_by_role("heading", name="No unknown visitors")).to_be_visible()


def test_somebody_unknown_is_remembered_and_recognised_the_next_time(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    lobby(api)
    page = open_page("#/galleries/lobby/identify")
    choose(page, hopper)
    expect(page.get_by_text("Not known: remembered as an unknown visitor from now on.")).to_be_visible()
    choose(page, hopper)
    expect(page.get_by_text("Not known, but seen before: last")).to_be_visible()
    expect(page.get_by_role("heading", name="One person without a name was seen before.")).to_be_visible()
    page.get_by_role("link", name="Open the visitor").click()
    expect(page.get_by_role("heading", level=1, name="Unknown visitor")).to_be_visible()
    expect(page.get_by_text("First sighting: unknown until then")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(3)


def test_somebody_unknown_gets_a_name_where_they_were_just_remembered(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    lobby(api)
    page = open_page("#/galleries/lobby/identify")
    choose(page, hopper)
    who = page.get_by_role("combobox", name="Who is this?")
    expect(who).to_be_visible()
    expect(page.get_by_text("Enrol as a new person")).to_have_count(0)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert accessibility.violations(page) == [], theme
    who.fill("Grace Hopper")
    who.press("Enter")
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()
    expect(who).to_be_hidden()
    [first, *_] = api.identify("lobby", hopper)["faces"][0]["candidates"]
    assert (first["matched"], first["identity"]["name"]) == (True, "Grace Hopper")
    assert api.get("/v1/galleries/lobby").json()["identities"] == 1

    page.get_by_role("button", name="Undo").click()
    expect(who).to_be_visible()
    expect(page.get_by_role("heading", name="Nobody is enrolled in this gallery yet.")).to_be_visible()


def test_an_unnamed_person_whom_a_photograph_shows_gets_a_name_beside_it(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    lobby(api, hopper)
    api.enrol("lobby", "Grace Hopper")
    page = open_page("#/galleries/lobby/identify")
    choose(page, hopper)
    who = page.get_by_role("combobox", name="Who is this?")
    who.fill("hopper")
    page.get_by_role("option", name="Grace Hopper 0 faces").click()
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()
    assert api.get("/v1/galleries/lobby").json()["identities"] == 1


def test_a_visitor_is_named_where_visitors_are_listed(
    open_page: OpenPage, api: ApiClient, hopper: bytes, collins: bytes
) -> None:
    lobby(api, hopper, collins)
    page = open_page(PAGE, width=360)
    expect(page.get_by_text("2 visitors", exact=True)).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert accessibility.violations(page) == [], theme
    page.get_by_role("combobox", name="Name of the unnamed person").first.fill("<b>Eileen</b>")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="<b>Eileen</b>")).to_be_visible()
    expect(page.get_by_text("1 visitor", exact=True)).to_be_visible()
    expect(page.get_by_role("combobox", name="Name of the unnamed person")).to_be_focused()
    [first, *_] = api.identify("lobby", collins)["faces"][0]["candidates"]
    assert first["identity"]["name"] == "<b>Eileen</b>"


def test_visitors_are_forgotten_one_by_one_with_an_undo_and_all_at_once(
    open_page: OpenPage, api: ApiClient, hopper: bytes, collins: bytes
) -> None:
    lobby(api, hopper, collins)
    page = open_page(PAGE)
    one = page.get_by_role("button", name="Forget the visitor").first
    one.dblclick()  # forgets one: the next has moved under the pointer
    expect(page.get_by_role("button", name="Forget the visitor")).to_have_count(1)
    expect(page.get_by_text("1 visitor", exact=True)).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Forget the visitor")).to_have_count(2)
    expect(page.get_by_text("2 visitors", exact=True)).to_be_visible()

    page.get_by_role("button", name="Forget all").click()
    dialog = page.get_by_role("dialog", name="Forget all")
    expect(dialog).to_contain_text("2 visitors are deleted")
    dialog.get_by_role("button", name="Forget 2 visitors").press("Enter")
    expect(page.get_by_text("2 visitors were forgotten.")).to_be_visible()
    expect(page.get_by_role("heading", name="No unknown visitors")).to_be_visible()
    assert api.get("/v1/galleries/lobby/visitors").json()["total"] == 0


def test_the_page_of_a_visitor_leads_back_to_the_visitors_where_one_whom_it_deletes_is_gone(
    open_page: OpenPage, api: ApiClient, hopper: bytes, collins: bytes
) -> None:
    lobby(api, hopper, collins)
    page = open_page(PAGE)
    page.get_by_role("link", name="Visitor, seen last").first.click()
    page.get_by_role("main").get_by_role("link", name="Unknown visitors").click()
    expect(page.get_by_text("2 visitors", exact=True)).to_be_visible()

    page.get_by_role("link", name="Visitor, seen last").first.click()
    page.get_by_role("button", name="Delete this person").click()
    expect(page.get_by_text("1 visitor", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Visitor, seen last")).to_have_count(1)
    page.get_by_role("button", name="Close").last.click()
    expect(page.get_by_text("deleted, with all faces")).to_have_count(0)
    expect(page.get_by_text("1 visitor", exact=True)).to_be_visible()
    page.reload()
    expect(page.get_by_role("link", name="Visitor, seen last")).to_have_count(1)


def test_a_visitor_whose_name_is_taken_back_is_an_unnamed_person(
    open_page: OpenPage, api: ApiClient, hopper: bytes
) -> None:
    lobby(api, hopper)
    page = open_page(PAGE)
    page.get_by_role("combobox", name="Name of the unnamed person").fill("Grace Hopper")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("This person has no name again")).to_be_visible()
    page.get_by_role("link", name="Visitor, seen last").click()
    page.get_by_role("link", name="All unnamed people").click()
    expect(page.get_by_text("1 person", exact=True)).to_be_visible()
