"""Photographs of one or several people: boxes, candidates, and what may be done with them."""

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.recognition.conftest import Drop, file
from tests.support.browser import accessibility
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage, width_when_loaded
from tests.support.pictures import jpeg, pixels

PAGE = "#/galleries/staff/identify"


@pytest.fixture
def page(open_page: OpenPage, api: ApiClient, hopper: bytes) -> Page:
    api.create_gallery("staff")
    api.enrol("staff", "Grace Hopper", hopper)
    return open_page(PAGE)


def choose(page: Page, picture: bytes) -> None:
    page.get_by_label("Drop a photograph here").set_input_files(file(picture))


def test_each_face_has_its_box_its_name_and_its_candidate(page: Page, couple: bytes) -> None:
    choose(page, couple)
    expect(
        page.get_by_role("heading", name="This is Grace Hopper. One more person is not enrolled.")
    ).to_be_visible()
    picture = page.get_by_role("list").filter(has=page.get_by_role("button", name="Face 1")).first
    names = [box.get_attribute("aria-label") or "" for box in picture.get_by_role("button").all()]
    assert [name.split(", score")[0] for name in names] == ["Face 1: Grace Hopper", "Face 2: Not enrolled"]

    card = page.get_by_role("article").filter(has=page.get_by_text("Match", exact=True))
    expect(card.get_by_role("img", name="of this photograph")).to_be_visible()
    enrolled = card.get_by_role("img", name="Enrolled face of Grace Hopper")
    expect(enrolled).to_be_visible()
    assert width_when_loaded(enrolled) > 0
    expect(card.get_by_role("img", name="on a scale from 0 to 1")).to_be_visible()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert not accessibility.violations(page), theme


def test_a_match_is_disputed_and_the_dispute_withdrawn(
    page: Page, api: ApiClient, drop: Drop, hopper: bytes
) -> None:
    drop(page, hopper)
    page.get_by_role("button", name="Not this person").click()
    expect(page.get_by_role("heading", name="You said: this is not Grace Hopper.")).to_be_visible()
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_have_count(0)
    expect(page.get_by_text("Match", exact=True)).to_have_count(1)
    expect(page.get_by_text("Match", exact=True)).to_be_hidden()
    assert disputes(api, hopper) == 1

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Not this person")).to_be_visible()
    expect(page.get_by_text("Match", exact=True)).to_be_visible()
    assert disputes(api, hopper) == 0


def test_the_last_picture_is_there_again_on_the_way_back_and_in_no_other_gallery(
    page: Page, api: ApiClient, hopper: bytes
) -> None:
    api.create_gallery("visitors")
    choose(page, hopper)
    page.get_by_role("button", name="Not this person").click()
    said = page.get_by_role("heading", name="You said: this is not Grace Hopper.")
    expect(said).to_be_visible()
    for name in ("Why this answer?", "Grace Hopper"):
        page.get_by_role("main").get_by_role("link", name=name).click()
        expect(said).to_have_count(0)
        page.go_back()
        expect(said).to_be_visible()
        assert width_when_loaded(page.locator(".answer-picture img")) > 0

    page.goto(page.url.replace("staff", "visitors"))
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    page.goto(page.url.replace("visitors", "staff"))
    expect(page.get_by_role("combobox", name="Gallery")).to_have_value("staff")
    expect(said).to_have_count(0)


def disputes(api: ApiClient, picture: bytes) -> int:
    answer = api.post("/v1/galleries/staff/identify", files={"image": picture}).json()
    return int(answer["faces"][0]["candidates"][0]["disputed"])


def test_one_of_several_people_is_enrolled_from_the_picture_and_found_by_another(
    page: Page, api: ApiClient, couple: bytes, collins: bytes
) -> None:
    choose(page, couple)
    page.get_by_role("textbox", name="Name").fill("<b>Eileen</b> Collins")
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_text("<b>Eileen</b> Collins is enrolled.").first).to_be_visible()
    expect(
        page.get_by_role("heading", name="On this picture: Grace Hopper and <b>Eileen</b> Collins.")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Add to Grace Hopper")).to_have_count(1)  # for her own face

    answer = api.post("/v1/galleries/staff/identify", files={"image": collins}).json()
    [first, *_] = answer["faces"][0]["candidates"]
    assert (first["matched"], first["identity"]["name"]) == (True, "<b>Eileen</b> Collins")

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("textbox", name="Name")).to_be_visible()
    assert api.get("/v1/galleries/staff").json()["identities"] == 1


def test_who_comes_to_enrol_finds_the_form_first_with_the_name_of_the_file(
    page: Page, collins: bytes
) -> None:
    page.goto(page.url.replace("/identify", "/people"))
    page.get_by_role("link", name="Enrol from a photograph").click()
    expect(page.get_by_text("To enrol somebody, give a photograph.")).to_be_visible()
    page.get_by_label("Drop a photograph here").set_input_files(file(collins, "Eileen_Collins-2.jpg"))
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_have_value("Eileen Collins")
    expect(name).to_be_in_viewport()
    page.get_by_role("button", name="Enrol", exact=True).click()
    expect(page.get_by_role("heading", name="This is Eileen Collins.")).to_be_visible()


def test_a_picture_is_added_to_a_person_and_taken_back(page: Page, api: ApiClient, couple: bytes) -> None:
    choose(page, couple)
    card = page.get_by_role("article").filter(has=page.get_by_text("Match", exact=True))
    card.get_by_role("button", name="Add to Grace Hopper").click()
    expect(page.get_by_text("This face was added to Grace Hopper.").first).to_be_visible()
    assert api.get("/v1/galleries/staff").json()["faces"] == 2

    page.get_by_role("button", name="Undo").click()
    expect(card.get_by_role("button", name="Add to Grace Hopper")).to_be_visible()
    assert api.get("/v1/galleries/staff").json()["faces"] == 1


def test_a_match_with_a_poor_picture_is_a_maybe(page: Page, drop: Drop, hopper: bytes) -> None:
    drop(page, jpeg(pixels(hopper) // 6))
    expect(
        page.get_by_role("heading", name="This may be Grace Hopper: the picture is too poor to be sure.")
    ).to_be_visible()
    expect(page.get_by_text("Too poor to trust: the face is much too dark")).to_be_visible()


def test_faces_are_numbered_from_left_to_right_and_the_right_one_is_disputed(
    page: Page, api: ApiClient, drop: Drop, couple: bytes
) -> None:
    """The API's first face is the largest."""
    small = np.asarray(Image.fromarray(pixels(couple)))
    half = small.shape[1] // 2
    left = np.asarray(Image.fromarray(small[:, half:]).resize((half // 2, small.shape[0] // 2)))
    picture = np.full((small.shape[0], left.shape[1] + half, 3), 128, np.uint8)
    picture[: left.shape[0], : left.shape[1]] = left
    picture[:, left.shape[1] :] = small[:, :half]
    drop(page, jpeg(picture))
    expect(page.get_by_role("button", name="Face 1: Not enrolled")).to_be_visible()
    expect(page.get_by_role("button", name="Face 2: Grace Hopper")).to_be_visible()
    page.get_by_role("button", name="Not this person").click()
    words = "You said: this is not Grace Hopper. One more person is not enrolled."
    expect(page.get_by_role("heading", name=words)).to_be_visible()


def test_nobody_is_said_to_be_not_enrolled_by_a_picture_that_is_too_poor(
    page: Page, drop: Drop, collins: bytes
) -> None:
    drop(page, jpeg(np.asarray(Image.fromarray(pixels(collins)).resize((100, 100)))))
    expect(page.get_by_role("heading", name="One face is too poor to tell.")).to_be_visible()
    expect(page.get_by_role("button", name="Face 1: Cannot tell")).to_be_visible()
    expect(page.get_by_text("Not enrolled")).to_have_count(0)


def test_a_picture_without_a_face_says_so(page: Page, drop: Drop, nobody: bytes) -> None:
    drop(page, nobody)
    expect(page.get_by_role("heading", name="No face was found.")).to_be_visible()
    expect(page.get_by_text("in which the face is larger")).to_be_visible()


@pytest.mark.usefixtures("watch_unsupported")
def test_a_file_that_is_no_picture_says_so(page: Page, drop: Drop) -> None:
    drop(page, b"no picture", name="letter.txt", type="text/plain")
    expect(page.get_by_role("alert").filter(has_text="cannot read this file format")).to_be_visible()


def test_a_picture_that_only_the_server_can_show_is_answered_all_the_same(
    page: Page, drop: Drop, hopper: bytes
) -> None:
    drop(page, heic(hopper), name="grace.heic", type="image/heic")
    expect(page.get_by_role("heading", name="This is Grace Hopper.")).to_be_visible()
    expect(page.get_by_text("This browser cannot show a photograph in this format.")).to_be_visible()


def heic(picture: bytes) -> bytes:
    written = io.BytesIO()
    pillow_heif.from_pillow(Image.open(io.BytesIO(picture))).save(written)
    return written.getvalue()
