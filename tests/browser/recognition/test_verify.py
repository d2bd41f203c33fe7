"""Two pictures, or a picture and a person."""

import pytest
from playwright.sync_api import expect

from tests.browser.recognition.conftest import file
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage, width_when_loaded


def test_two_pictures_are_compared_and_the_answer_is_in_words(
    open_page: OpenPage, api: ApiClient, hopper: bytes, collins: bytes
) -> None:
    api.create_gallery("staff")
    page = open_page("#/galleries/staff/verify")
    page.get_by_label("Drop a photograph", exact=True).set_input_files(file(hopper))
    page.get_by_label("Drop the other photograph", exact=True).set_input_files(file(collins))
    expect(page.get_by_role("heading", name="Not the same person")).to_be_visible()
    expect(page.get_by_text("One pair of strangers in").last).to_be_visible()
    expect(page.get_by_role("img", name="How often two different people reach a score.")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert not accessibility.violations(page), theme

    page.get_by_role("button", name="Another photograph").last.click()
    page.get_by_label("Drop the other photograph", exact=True).set_input_files(file(hopper))
    expect(page.get_by_role("heading", name="The same person")).to_be_visible()
    expect(page.get_by_text("Fewer than one pair of strangers in")).to_be_visible()
    page.get_by_role("button", name="Which parts of the faces made the score?").click()
    maps = page.get_by_role("img", name="Parts that made the score")
    expect(maps).to_have_count(2)
    expect(page.get_by_text("This explains the model, not the person.")).to_be_visible()
    assert all(width_when_loaded(one) for one in maps.all())


def test_a_picture_is_compared_with_a_person_found_by_name_and_the_address_keeps_the_person(
    open_page: OpenPage, api: ApiClient, hopper: bytes, collins: bytes
) -> None:
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper)
    api.enrol("staff", "Eileen Collins", collins)
    page = open_page("#/galleries/staff/verify")
    page.get_by_label("a person of this gallery").check()
    page.get_by_label("Person", exact=True).fill("hop")
    expect(page.get_by_role("button", name="Eileen Collins")).to_have_count(0)
    page.get_by_role("button", name="Grace Hopper").click()
    page.get_by_label("Drop a photograph", exact=True).set_input_files(file(hopper))
    expect(page.get_by_role("heading", name="This is Grace Hopper")).to_be_visible()

    page.reload()
    expect(page.get_by_role("heading", name="Grace Hopper")).to_be_visible()
    page.get_by_label("Drop a photograph", exact=True).set_input_files(file(collins))
    expect(page.get_by_role("heading", name="This is not Grace Hopper")).to_be_visible()


@pytest.mark.usefixtures("watch_unprocessable")
def test_a_picture_without_a_face_says_so(
    open_page: OpenPage, api: ApiClient, hopper: bytes, nobody: bytes
) -> None:
    api.create_gallery("staff")
    page = open_page("#/galleries/staff/verify")
    page.get_by_label("Drop a photograph", exact=True).set_input_files(file(hopper))
    page.get_by_label("Drop the other photograph", exact=True).set_input_files(file(nobody))
    expect(page.get_by_role("alert").filter(has_text="No face was found")).to_be_visible()
