"""People are imported from a folder or an archive, and who is not enrolled is shown with the reason."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE_MS
from tests.support.browser.accessibility import violations
from tests.support.browser.client import ApiClient
from tests.support.browser.pages import OpenPage, width_when_loaded
from tests.support.browser.watch import Watch

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def people(tmp_path: Path, hopper: bytes, collins: bytes, nobody: bytes) -> Path:
    folder = tmp_path / "badges"
    for name, data in {
        "Grace_Hopper/1.jpg": hopper,
        "Eileen_Collins/1.jpg": collins,
        f"{MARKUP}/1.jpg": nobody,
        "notes.txt": b"hello",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def choose(page: Page, what: Path) -> None:
    kind = "folder" if what.is_dir() else "zip"
    page.locator(f"input[data-kind={kind}]").set_input_files(what)


def external_ids(api: ApiClient, gallery: str) -> set[str]:
    answer = api.get(f"/v1/galleries/{gallery}/identities")
    return {one["external_id"] for one in answer.json()["identities"]}


def test_a_folder_is_looked_at_and_imported_and_every_rejection_is_shown(
    open_page: OpenPage, api: ApiClient, people: Path
) -> None:
    gallery = api.create_gallery("staff")
    page = open_page(f"#/galleries/{gallery}/imports")

    choose(page, people)
    expect(page.get_by_text("3 people, 3 photographs")).to_be_visible()
    expect(page.get_by_text("1 file is skipped")).to_be_visible()
    expect(page.get_by_text("Not a photograph (1): notes.txt")).to_have_count(1)
    expect(page.get_by_text(MARKUP, exact=True)).to_be_visible()
    page.keyboard.press("Enter")

    expect(page.get_by_text("2 of 3 people enrolled, 1 photograph rejected.")).to_be_visible(
        timeout=PATIENCE_MS
    )
    expect(page.get_by_text("Done", exact=True)).to_be_visible()
    expect(page.get_by_text(f"Of 1 person, no photograph was enrolled: {MARKUP}")).to_be_visible()
    rejected = page.get_by_role("listitem").filter(has_text=MARKUP)
    expect(rejected.get_by_text("No face found")).to_be_visible()
    assert width_when_loaded(rejected.get_by_role("img")) > 0
    assert external_ids(api, gallery) == {"Grace_Hopper", "Eileen_Collins"}
    assert violations(page) == []


def test_an_archive_with_a_manifest_names_people_as_the_manifest_does(
    open_page: OpenPage, api: ApiClient, tmp_path: Path, hopper: bytes, collins: bytes
) -> None:
    gallery = api.create_gallery("badges")
    archive = tmp_path / "badges.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("january/a.jpg", hopper)
        file.writestr("january/b.jpg", collins)
        file.writestr(
            "january/manifest.csv",
            'file,external_id,name,floor\r\na.jpg,4711,"Hopper, Grace",3\r\nb.jpg,4712,Eileen Collins,\r\n',
        )
    page = open_page(f"#/galleries/{gallery}/imports")

    choose(page, archive)
    expect(page.get_by_text("The manifest names 2 files.")).to_be_visible()
    page.get_by_role("button", name="Start the import").first.click()

    expect(page.get_by_text("2 of 2 people enrolled.")).to_be_visible(timeout=PATIENCE_MS)
    answer = api.get(f"/v1/galleries/{gallery}/identities", params={"external_id": "4711"})
    [person] = answer.json()["identities"]
    assert (person["name"], person["metadata"]) == ("Hopper, Grace", {"floor": "3"})


def test_after_a_reload_the_same_folder_is_chosen_again_and_only_the_rest_is_sent(
    open_page: OpenPage, api: ApiClient, people: Path, hopper: bytes
) -> None:
    gallery = api.create_gallery("interrupted")
    path = f"/v1/galleries/{gallery}/imports"
    made = api.post(path, json={"name": "Badges", "files": 3}).json()
    api.post(f"{path}/{made['id']}/files", files={"files": ("Grace_Hopper/1.jpg", hopper)})
    page = open_page(f"#/galleries/{gallery}/imports")
    expect(page.get_by_text("Interrupted: choose the folder again")).to_be_visible()
    open_page.go(page, f"#/galleries/{gallery}/imports/{made['id']}")
    expect(page.get_by_text("1 of 3 files have arrived.")).to_be_visible()
    with page.expect_response(lambda r: r.request.method == "POST" and r.url.endswith("/files")) as answer:
        choose(page, people)

    expect(page.get_by_text("2 of 3 people enrolled, 1 photograph rejected.")).to_be_visible(
        timeout=PATIENCE_MS
    )
    assert answer.value.json() == {"files": 2, "added": 2, "skipped": 0}


def test_a_path_that_the_server_does_not_read_is_said_beside_the_field(
    open_page: OpenPage, api: ApiClient, watch: Watch
) -> None:
    gallery = api.create_gallery("paths")
    page = open_page(f"#/galleries/{gallery}/imports")
    watch.expect("status of 422")

    page.get_by_text("From a path on the server").click()
    page.get_by_label("Path", exact=True).fill("/etc")
    page.get_by_role("button", name="Start the import").click()

    expect(page.get_by_role("alert")).to_contain_text("GEMEL_IMPORT_FOLDER")


def test_photographs_without_names_become_unnamed_people(
    open_page: OpenPage, api: ApiClient, tmp_path: Path, hopper: bytes, collins: bytes
) -> None:
    gallery = api.create_gallery("album")
    folder = tmp_path / "holidays"
    folder.mkdir()
    for number, data in enumerate((hopper, collins)):
        (folder / f"DSC_{number}.jpg").write_bytes(data)
    page = open_page(f"#/galleries/{gallery}/imports")

    choose(page, folder)
    page.get_by_role("radio", name="Nowhere: photographs without names").check()
    expect(page.get_by_text("2 photographs without names")).to_be_visible()
    page.get_by_role("button", name="Start the import").first.click()
    expect(page.get_by_text("2 of 2 photographs enrolled without names.")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("link", name="See the unnamed people").click()
    expect(page.get_by_text("2 people")).to_be_visible()
