"""One person's page: names, faces, photographs, changes and sightings, each with the way back."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.asking import files
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage
from tests.support.browser.watch import Watch
from tests.support.pictures import jpeg, pixels

Staff = dict[str, dict[str, Any]]


def path(person: dict[str, Any]) -> str:
    return f"/v1/galleries/staff/identities/{person['id']}"


def opened(open_page: OpenPage, person: dict[str, Any]) -> Page:
    return open_page(f"#/galleries/staff/people/{person['id']}")


def photograph(picture: bytes) -> Any:
    return {"name": "new.jpg", "mimeType": "image/jpeg", "buffer": picture}


def test_a_name_and_metadata_are_changed_and_changed_back(
    open_page: OpenPage, api: ApiClient, staff: Staff
) -> None:
    page = opened(open_page, staff["grace"])
    page.get_by_role("button", name="Edit").click()
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.get_by_label("Name", exact=True).fill("Grace Murray Hopper")
    page.get_by_role("button", name="Add a field").click()
    page.get_by_label("Field").nth(1).fill("born")
    page.get_by_label("Value").nth(1).fill("1906")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1, name="Grace Murray Hopper")).to_be_visible()
    assert api.get(path(staff["grace"])).json()["metadata"] == {"rank": "Rear admiral", "born": "1906"}
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1, name=re.compile("^Grace Hopper$"))).to_be_visible()
    assert api.get(path(staff["grace"])).json()["metadata"] == {"rank": "Rear admiral"}


def test_a_removed_face_comes_back_by_undo_and_goes_when_the_page_is_left(
    open_page: OpenPage, api: ApiClient, staff: Staff
) -> None:
    """The API cannot give a face back: so nothing is sent before the message is gone."""
    page = opened(open_page, staff["grace"])
    face = page.get_by_role("listitem").filter(has_text="Good picture of the face")
    page.get_by_role("button", name=re.compile("Delete the face of")).click()
    expect(face).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(face).to_be_visible()
    assert api.get(path(staff["grace"])).json()["faces_total"] == 1

    page.get_by_role("button", name=re.compile("Delete the face of")).click()
    expect(face).to_have_count(0)
    page.goto("about:blank")
    page = opened(open_page, staff["grace"])
    expect(page.get_by_role("heading", name="0 faces")).to_be_visible()


def test_photographs_are_added_and_a_rejected_one_says_why(
    open_page: OpenPage, api: ApiClient, staff: Staff, hopper: bytes, nobody: bytes, watch: Watch
) -> None:
    watch.expect("status of 422")
    page = opened(open_page, staff["grace"])
    another = photograph(jpeg(pixels(hopper)[:, ::-1]))
    small = photograph(jpeg(pixels(hopper)[::8, ::8]))
    drop = page.get_by_label("Drop photographs of this person")
    drop.set_input_files([another, photograph(nobody), small])

    expect(page.get_by_role("heading", name="2 faces")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text="No face was found")).to_be_visible()
    too_small = page.get_by_role("alert").filter(has_text="The face is too small")
    expect(too_small).to_contain_text(
        re.compile(r"it is \d+\.\d pixels wide, and 28 .*What would help: come nearer to the camera[^.]*\.$")
    )
    assert api.get(path(staff["grace"])).json()["faces_total"] == 2
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="1 face", exact=True)).to_be_visible()


def test_a_face_becomes_a_new_person_and_the_change_is_undone_later(
    open_page: OpenPage, api: ApiClient, staff: Staff, hopper: bytes
) -> None:
    mirrored = jpeg(pixels(hopper)[:, ::-1])
    api.post(f"{path(staff['grace'])}/faces", files=files("images", mirrored))
    page = opened(open_page, staff["grace"])
    page.get_by_role("checkbox", name=re.compile("Select the face of")).nth(1).check()
    page.get_by_role("button", name="Create a new person").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="1 face", exact=True)).to_be_visible()
    people = api.get("/v1/galleries/staff/identities").json()["identities"]
    assert [one["name"] for one in people] == ["Grace Hopper", "Eileen Collins", "Ada"]

    page.reload()
    page.get_by_role("button", name="Undo: 1 face became a new person.").click()
    expect(page.get_by_role("heading", name="2 faces")).to_be_visible()
    expect(page.get_by_text("Undone")).to_be_visible()


def test_a_face_is_moved_to_another_person_and_back(
    open_page: OpenPage, api: ApiClient, staff: Staff
) -> None:
    page = opened(open_page, staff["grace"])
    page.get_by_role("checkbox", name=re.compile("Select the face of")).check()
    page.get_by_role("button", name="Move to another person").click()
    page.get_by_role("dialog").get_by_role("searchbox").fill("collins")
    page.get_by_role("dialog").get_by_role("button", name="Eileen Collins").click()
    expect(page.get_by_role("heading", name="0 faces")).to_be_visible()
    assert api.get(path(staff["eileen"])).json()["faces_total"] == 2

    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_role("heading", name="1 face", exact=True)).to_be_visible()


def test_recent_sightings_lead_to_their_explanation(
    open_page: OpenPage, api: ApiClient, staff: Staff, hopper: bytes
) -> None:
    answer = api.post("/v1/galleries/staff/identify", files=files("image", hopper)).json()
    page = opened(open_page, staff["grace"])

    row = page.get_by_role("row").filter(has_text="Identification")
    expect(row).to_have_count(1)
    expect(row.get_by_role("link")).to_have_attribute("href", f"#/access/audit/{answer['audit_id']}")


def test_the_address_of_a_merged_person_leads_to_the_one_who_remains(
    open_page: OpenPage, api: ApiClient, staff: Staff, watch: Watch
) -> None:
    watch.expect("status of 409")
    api.post(f"{path(staff['grace'])}/merge", json={"other": staff["eileen"]["id"]})
    page = opened(open_page, staff["eileen"])

    page.get_by_role("link", name="Open that person").click()
    expect(page.get_by_role("heading", level=1, name="Grace Hopper")).to_be_visible()
    expect(page.get_by_text("Eileen Collins was merged into this person, with 1 face.")).to_be_visible()


def test_a_removed_person_is_back_by_undo_and_gone_when_the_message_is(
    open_page: OpenPage, api: ApiClient, staff: Staff
) -> None:
    page = opened(open_page, staff["grace"])
    page.get_by_role("button", name="Delete this person").click()
    expect(page.get_by_role("heading", level=1, name="People")).to_be_visible()
    expect(page.locator(".person-cell.leaving")).to_contain_text("Grace Hopper")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1, name="Grace Hopper")).to_be_visible()
    assert api.get("/v1/galleries/staff").json()["identities"] == 2

    page.get_by_role("button", name="Delete this person").click()
    expect(page.get_by_role("link", name="Grace Hopper")).to_be_visible()
    page.locator(".toast").get_by_role("button", name="Close").click()
    expect(page.get_by_role("link", name="Grace Hopper")).to_have_count(0)
    assert api.get("/v1/galleries/staff").json()["identities"] == 1
