"""Somebody moves a gallery to another model and back, by clicks alone."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, text, update

from indexer.records.database.session import Database
from indexer.records.tables import Face, Reindex
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage, width_when_loaded
from tests.support.pictures import jpeg, pixels

PAGE = "#/galleries/staff/models"
PATIENCE_MS = 120_000
"""For work of a network, on a machine that other tests share."""
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def server_settings() -> dict[str, Any]:
    """The server works on jobs itself, as that of an embedded PostgreSQL does."""
    return {"reindex_worker": "on"}


@pytest.fixture
def staff(api: ApiClient, hopper: bytes, collins: bytes) -> str:
    """Two people; one has two photographs."""
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper, jpeg(pixels(hopper), 40))
    api.enrol("staff", "Eileen Collins", collins)
    return "staff"


@pytest.fixture
def database(empty_database: str) -> Iterator[Database]:
    database = Database(empty_database)
    yield database
    database.close()


def model(api: ApiClient) -> str:
    found: str = api.get("/v1/galleries/staff/calibration").json()["model"]
    return found.rpartition("-")[0]


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", name=words, exact=True)).to_be_visible(timeout=PATIENCE_MS)


def test_a_gallery_moves_to_another_model_and_back_by_clicks_alone(
    open_page: OpenPage, api: ApiClient, staff: str
) -> None:
    page = open_page(PAGE)
    page.get_by_role("radio", name="dlib-resnet").check()
    start = page.get_by_role("button", name="Start the change to dlib-resnet")
    expect(start).to_be_visible(timeout=PATIENCE_MS)  # the model is opened, and its speed is measured
    expect(page.get_by_text("needs 59 people with several faces; the gallery has 1.")).to_be_visible()
    expect(page.get_by_text("dlib-resnet is much worse")).to_be_visible()
    start.click()

    heading(page, "From sface to dlib-resnet")
    heading(page, "Ready: you decide")
    checks = page.get_by_role("region", name="Checks")
    expect(checks.get_by_role("listitem").nth(0)).to_contain_text("Not passed")
    expect(checks).to_contain_text("Too few people to tell: 1 has several faces, 59 are needed.")
    expect(checks.get_by_role("listitem").nth(1)).to_contain_text("Passed")
    compared = page.get_by_role("region", name="Both models on your own people").first
    expect(compared).to_contain_text("3 faces of 2 people")
    assert model(api) == "sface"

    page.get_by_role("button", name="Switch to dlib-resnet anyway").click()
    assert accessibility.violations(page) == [], "of the dialog"
    page.get_by_label("Reason").fill("looked at both people")
    page.get_by_role("button", name="Switch", exact=True).click()
    heading(page, "dlib-resnet is in use")
    assert model(api) == "dlib-resnet"
    page.reload()
    heading(page, "dlib-resnet is in use")
    open_page.go(page, PAGE)
    expect(page.get_by_text("you cannot go back to it")).to_be_visible()
    page.go_back()

    page.get_by_role("button", name="Go back to sface").click()
    heading(page, "sface is in use again")
    assert model(api) == "sface"
    page.get_by_text("What happened").click()
    expect(page.get_by_text("looked at both people")).to_be_visible()

    page.get_by_role("button", name="Discard the change").click()
    page.get_by_role("button", name="Discard", exact=True).click()
    heading(page, "The change was discarded")
    page.get_by_role("link", name="Model of staff").click()
    expect(page.get_by_role("listitem").filter(has_text="sface to dlib-resnet")).to_contain_text("Discarded")


def test_a_switch_is_undone_from_its_message_with_the_keyboard_alone(
    open_page: OpenPage, api: ApiClient, staff: str
) -> None:
    job = api.post(
        "/v1/reindexes", json={"gallery": staff, "to": "dlib-resnet", "gates": ["skipped<=0"]}
    ).json()
    page = open_page(f"{PAGE}/jobs/{job['id']}")
    heading(page, "Ready: you decide")
    press(page, "Switch to dlib-resnet")
    heading(page, "dlib-resnet is in use")
    expect(page.get_by_role("heading", name="dlib-resnet is in use")).to_be_focused()
    assert model(api) == "dlib-resnet"
    press(page, "Undo")
    heading(page, "sface is in use again")

    assert model(api) == "sface"


def press(page: Page, name: str) -> None:
    """Goes to the button with Tab, from where the focus is, and presses Enter."""
    expect(page.get_by_role("button", name=name, exact=True)).to_be_enabled()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == name:
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"Tab does not reach {name}")


def test_disputed_faces_are_shown_side_by_side_with_names_as_text(
    open_page: OpenPage, api: ApiClient, database: Database, staff: str, collins: bytes
) -> None:
    api.enrol(staff, MARKUP, collins)
    job = api.post("/v1/reindexes", json={"gallery": staff, "to": "dlib-resnet"}).json()
    address = f"{PAGE}/jobs/{job['id']}"
    heading(open_page(address), "Ready: you decide")
    _dispute(database, job["id"])

    page = open_page(address)

    row = page.get_by_role("region", name="Faces that the models disagree about").get_by_role("listitem")
    expect(row).to_have_count(1)
    expect(row.locator("img")).to_have_count(3)
    expect(row.get_by_role("link", name="Grace Hopper")).to_have_count(2)
    expect(row.get_by_role("link", name=MARKUP)).to_be_visible()
    expect(row.get_by_text("Right person: 0.620, threshold 0.450.")).to_be_visible()
    expect(row.get_by_text("Somebody else: 0.960, threshold 0.950.")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert accessibility.violations(page) == []
    for picture in row.locator("img").all():
        assert width_when_loaded(picture) > 100


def _dispute(database: Database, job_id: str) -> None:
    """Both models disagree about Grace Hopper's first face; the new one finds the person of the last face."""
    with database.transaction() as session:
        first, second, *_, last = session.scalars(select(Face.key).order_by(Face.key)).all()
        [found] = session.scalars(select(Reindex.comparison).where(Reindex.id == job_id)).all()
        for side, threshold in (("old", 0.45), ("new", 0.95)):
            found[side]["at_fpir"]["0.01"]["threshold"] = threshold
        example = {"kind": "lost", "face": first, "old_answer": second, "new_answer": last}
        scores = {"old_scores": {"own": 0.62, "other": 0.1}, "new_scores": {"own": 0.93, "other": 0.96}}
        found["disagreements"] = {"won": 0, "lost": 1, "examples": [example | scores]}
        session.execute(update(Reindex).where(Reindex.id == job_id).values(comparison=found))


def test_a_job_that_has_stopped_says_why_and_is_resumed(
    open_page: OpenPage, api: ApiClient, database: Database, staff: str
) -> None:
    job = api.post("/v1/reindexes", json={"gallery": staff, "to": "dlib-resnet"}).json()
    page = open_page(f"{PAGE}/jobs/{job['id']}")
    heading(page, "Ready: you decide")
    with database.transaction() as session:
        session.execute(text("UPDATE reindex SET state = 'comparing', problem = 'the disk is full'"))
    page.reload()

    heading(page, "The change has stopped")
    expect(page.get_by_text("the disk is full")).to_be_visible()
    page.get_by_role("button", name="Resume").click()

    heading(page, "Ready: you decide")
