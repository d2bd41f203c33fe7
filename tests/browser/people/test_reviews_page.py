"""Reviews: one key each, and the way back."""

from typing import Any

import pytest
from playwright.sync_api import expect

from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.people import reviews
from indexer.records.people.reviews import ReviewKind
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage


@pytest.fixture
def pair(api: ApiClient, staff: dict[str, dict[str, Any]], empty_database: str) -> str:
    """The id of the review of Eileen Collins and Grace Hopper; another one waits behind it."""
    ada = api.enrol("staff", "Ada Lovelace")
    database = Database(empty_database)
    with database.transaction() as session:
        gallery = galleries.get(session, "staff")
        for one, other in ((staff["eileen"], staff["grace"]), (ada, staff["grace"])):
            reviews.add(
                session,
                gallery.id,
                ReviewKind.DUPLICATE,
                identity_id=one["id"],
                other_id=other["id"],
                score=0.7,
                threshold=0.5,
            )
        session.flush()
        [first, _] = reviews.page(session, gallery.id, state=None, after=None, limit=2)
    database.close()
    return str(first.id)


def state(api: ApiClient, review: str) -> str:
    return str(api.get(f"/v1/galleries/staff/reviews/{review}").json()["state"])


def test_a_pair_is_decided_by_one_key_and_undone_by_another(
    open_page: OpenPage, api: ApiClient, pair: str
) -> None:
    page = open_page("#/galleries/staff/reviews")
    expect(page.get_by_text("2 pairs to decide")).to_be_visible()
    eileen = page.get_by_role("heading", name="Eileen Collins")
    expect(eileen).to_be_visible()
    expect(page.get_by_text("They look very similar: score 0.700")).to_be_visible()

    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(eileen).to_have_count(0)
    assert state(api, pair) == "same"
    page.keyboard.press("u")
    expect(eileen).to_be_visible()
    assert state(api, pair) == "open"

    page.keyboard.press("d")
    expect(eileen).to_have_count(0)
    assert state(api, pair) == "different"
    page.keyboard.press("l")
    expect(page.get_by_role("heading", name="All decided")).to_be_visible()
    page.get_by_role("button", name="Undo the last").click()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_a_pair_that_waits_shows_who_the_merged_person_is_now(
    open_page: OpenPage, staff: dict[str, dict[str, Any]], pair: str
) -> None:
    page = open_page("#/galleries/staff/reviews")
    expect(page.get_by_role("heading", name="Eileen Collins")).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.get_by_text("2 faces")).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Eileen Collins")).to_be_visible()
    page.keyboard.press("d")
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()
    expect(page.get_by_text("2 faces")).to_have_count(0)


def test_a_review_has_an_address(open_page: OpenPage, pair: str, api: ApiClient) -> None:
    [_, second] = api.get("/v1/galleries/staff/reviews").json()["reviews"]
    page = open_page(f"#/galleries/staff/reviews?review={second['id']}")

    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()


def test_without_a_pair_the_page_says_where_pairs_come_from(open_page: OpenPage, api: ApiClient) -> None:
    api.create_gallery("staff")
    page = open_page("#/galleries/staff/reviews")

    expect(page.get_by_role("heading", name="Nothing to decide")).to_be_visible()
    expect(page.get_by_text("if the gallery's settings ask for a review")).to_be_visible()


def test_the_whole_gallery_is_searched_and_its_pairs_are_here_to_be_decided(
    open_page: OpenPage, api: ApiClient, hopper: bytes, collins: bytes
) -> None:
    api.create_gallery("staff")
    for name, picture in (("Grace Hopper", hopper), ("G. M. Hopper", hopper), ("Eileen Collins", collins)):
        api.enrol("staff", name, picture)
    page = open_page("#/galleries/staff/reviews", width=360)
    expect(page.get_by_role("heading", name="Nothing to decide")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert accessibility.violations(page) == [], theme
    page.get_by_text("Options").click()
    page.get_by_label("Pairs to report").select_option(label="one false alarm among 1,000 faces")
    page.get_by_role("button", name="Search the gallery for duplicates").dblclick()
    expect(
        page.get_by_text("3 people, 1 pair looks like one person. 1 is new in the reviews.")
    ).to_be_visible()
    expect(page.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    expect(page.get_by_text("1 pair to decide")).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="All decided")).to_be_visible()
    assert api.get("/v1/galleries/staff").json()["identities"] == 2
    [search] = api.get("/v1/galleries/staff/duplicate-searches").json()["duplicate_searches"]
    assert search["fpir"] == 0.001
