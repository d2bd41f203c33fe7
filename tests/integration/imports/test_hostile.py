"""Damaged and hostile archives, pictures, names, paths: nothing leaves its place, each file has a reason."""

import os
import stat
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from indexer.imports import path_reader
from tests.integration.imports.conftest import Importer, zipped
from tests.support.home import wait_for
from tests.support.pictures import shared

Pair = tuple[bytes, bytes]
LIMIT = 4_000_000
"""Bytes of the server's largest body."""


def test_an_entry_of_an_archive_whose_name_leads_elsewhere_is_skipped(
    importer: Importer, small: Pair
) -> None:
    id = importer.create(people_by="file")
    importer.send_zip(
        id,
        {
            "../../escape.jpg": small[0],
            "/tmp/absolute.jpg": small[0],
            "a/../../b.jpg": small[0],
            "..\\windows.jpg": small[0],
            ".hidden.jpg": small[0],
            "Grace.jpg": small[0],
        },
    )
    importer.finish(id)

    codes = {name: code for name, (_, code) in importer.outcomes(id).items()}
    assert codes == {
        "../../escape.jpg": "unsafe_name",
        "/tmp/absolute.jpg": "unsafe_name",
        "a/../../b.jpg": "unsafe_name",
        "../windows.jpg": "unsafe_name",
        ".hidden.jpg": "hidden_file",
        "Grace.jpg": None,
    }
    assert importer.people() == {"Grace": 1}


def test_links_and_damaged_and_oversized_entries_are_skipped_and_the_others_enrolled(
    importer: Importer, small: Pair
) -> None:
    id = importer.create()
    body = BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        link = zipfile.ZipInfo("Grace/link.jpg")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("Grace/1.jpg", small[0])
        archive.writestr("Grace/damaged.jpg", small[1])
        archive.writestr("Grace/large.jpg", b"\0" * (LIMIT + 1), zipfile.ZIP_DEFLATED)
    damaged = body.getvalue().replace(small[1], small[1][:-1] + b"!")

    importer.send_raw(id, damaged, "application/zip").raise_for_status()
    importer.finish(id)

    assert importer.outcomes(id) == {
        "Grace/link.jpg": ("skipped", "not_a_file"),
        "Grace/1.jpg": ("enrolled", None),
        "Grace/damaged.jpg": ("skipped", "unreadable_file"),
        "Grace/large.jpg": ("skipped", "upload_too_large"),
    }


@pytest.mark.parametrize("what", ["bomb", "cut off", "no archive", "too many entries", "lies about sizes"])
def test_an_archive_that_cannot_be_taken_is_rejected_whole(
    importer: Importer, small: Pair, what: str
) -> None:
    id = importer.create()
    whole = zipped({"Grace/1.jpg": small[0]})
    body = {
        "bomb": lambda: _deflated({f"Grace/{n}.jpg": b"\0" * LIMIT for n in range(6)}),
        "cut off": lambda: whole[: len(whole) // 2],
        "no archive": lambda: b"PK\x03\x04" + os.urandom(1000),
        "too many entries": lambda: b"PK\x01\x02" * 100_001,
        "lies about sizes": lambda: whole.replace(
            len(small[0]).to_bytes(4, "little"), (2**31).to_bytes(4, "little")
        ),
    }[what]()

    answer = importer.send_raw(id, body, "application/zip")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert importer.get(id)["files"] == 0


def _deflated(files: dict[str, bytes]) -> bytes:
    body = BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return body.getvalue()


def test_a_manifest_in_an_archive_names_people_and_what_it_does_not_name_is_skipped(
    importer: Importer, small: Pair
) -> None:
    id = importer.create()
    manifest = "file,external_id,name,floor\na.jpg,4711,Grace Hopper,3\nmissing.jpg,1,,\nb.jpg,,,\n"
    files = {"a.jpg": small[0], "b.jpg": small[1], "c.jpg": small[1], "manifest.csv": manifest.encode()}
    importer.send_zip(id, files)
    importer.finish(id)

    codes = {name: code for name, (_, code) in importer.outcomes(id).items()}
    assert codes == {
        "a.jpg": None,
        "b.jpg": "invalid_request",
        "c.jpg": "not_in_manifest",
        "missing.jpg": "file_missing",
    }
    [person] = importer.client.get(f"/v1/galleries/{importer.gallery}/identities").json()["identities"]
    assert (person["name"], person["metadata"]) == ("Grace Hopper", {"floor": "3"})


def test_names_that_postgresql_or_a_terminal_would_not_take_are_shown_without_what_they_hide(
    importer: Importer, small: Pair
) -> None:
    id = importer.create()
    names = ["a\0b/1.jpg", "Grace/\u202egpj.exe.jpg", "x" * 600 + "/1.jpg", "new\nline/2.jpg"]
    importer.send(id, {str(n): small[0] for n in range(4)}, [{"file": name} for name in names])
    importer.finish(id)

    shown = importer.files(id)
    assert all(len(name) <= 500 and name.isprintable() for name in shown)
    assert sorted(file["code"] or "" for file in shown.values()) == ["", *["invalid_request"] * 3]


@pytest.mark.parametrize("folder", ["data/hard-inputs", "data/hostile"])
def test_every_hard_picture_is_accounted_for(importer: Importer, folder: str) -> None:
    files = {path.name: path.read_bytes() for path in shared(folder).iterdir() if path.is_file()}
    id = importer.create(people_by="file")
    for name, data in files.items():
        importer.send(id, {name: data})

    done = importer.finish(id)

    assert set(importer.files(id)) == set(files)
    assert done["counts"]["waiting"] == done["counts"]["failed"] == 0


def test_a_folder_on_the_server_is_read_and_no_link_leads_out_of_it(
    importer: Importer, import_folder: Path, tmp_path: Path, small: Pair
) -> None:
    (tmp_path / "secret.jpg").write_bytes(small[1])
    people = import_folder / "badges"
    (people / "Grace").mkdir(parents=True)
    (people / "Grace" / "1.jpg").write_bytes(small[0])
    (people / "Grace" / "secret.jpg").symlink_to(tmp_path / "secret.jpg")
    (people / "Secret").symlink_to(tmp_path)
    os.mkfifo(people / "Grace" / "pipe.jpg")

    id = importer.create(path="badges")
    wait_for(lambda: importer.get(id)["state"] == "done", 60)

    assert importer.outcomes(id) == {
        "Grace/1.jpg": ("enrolled", None),
        "Grace/secret.jpg": ("skipped", "unsafe_name"),
        "Grace/pipe.jpg": ("skipped", "unreadable_file"),
    }
    assert importer.people() == {"Grace": 1}


def test_an_archive_on_the_server_is_read(importer: Importer, import_folder: Path, small: Pair) -> None:
    (import_folder / "badges.zip").write_bytes(zipped({"january/Grace/1.jpg": small[0]}))
    (import_folder / "broken.zip").write_bytes(b"PK no archive")

    good, broken = importer.create(path="badges.zip"), importer.create(path="broken.zip")
    wait_for(lambda: all(importer.get(id)["state"] == "done" for id in (good, broken)), 60)

    assert importer.people() == {"Grace": 1}
    assert "ZIP" in importer.get(broken)["problem"]


def test_a_path_whose_reading_fails_unexpectedly_ends_the_import_and_says_so(
    importer: Importer, import_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (import_folder / "fails").mkdir()

    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("a fault of the reader")

    monkeypatch.setattr(path_reader, "receive", fail)
    id = importer.create(path="fails")
    wait_for(lambda: importer.get(id)["state"] == "done", 60)

    assert "unexpected" in importer.get(id)["problem"]


def test_a_code_that_postgresql_would_not_take_is_answered_with_422(importer: Importer) -> None:
    id = importer.create()

    answer = importer.client.get(f"{importer.path}/{id}/files", params={"code": "\0"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("path", ["..", "../secret", "/etc", "/etc/passwd", "none", "out", "a\0b", "out/x"])
def test_a_path_outside_the_import_folder_looks_like_one_that_is_not_there(
    importer: Importer, import_folder: Path, tmp_path: Path, path: str
) -> None:
    (tmp_path / "x").mkdir(exist_ok=True)
    (import_folder / "out").unlink(missing_ok=True)
    (import_folder / "out").symlink_to(tmp_path)

    answer: Any = importer.client.post(importer.path, json={"path": path})

    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "there is no such path in the import folder",
    )
