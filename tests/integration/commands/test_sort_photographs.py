"""Photographs that nobody has labelled, from the folder to a list by person, with commands."""

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.support.home import Home
from tests.support.pictures import jpeg, pixels

ALBUM = ("--gallery", "album")


@pytest.fixture(scope="module")
def holidays(tmp_path_factory: pytest.TempPathFactory, hopper: bytes, collins: bytes, nobody: bytes) -> Path:
    """Grace Hopper three times, Eileen Collins twice, once both, and a cup of coffee."""
    folder = tmp_path_factory.mktemp("holidays")
    (folder / "2024").mkdir()
    grace, eileen = (np.ascontiguousarray(pixels(data)[::2, ::2]) for data in (hopper, collins))
    for name, image in {
        "2024/grace-1.jpg": grace,
        "2024/grace-2.jpg": (grace * 0.8).astype(np.uint8),
        "grace-3.jpg": (grace * 0.65).astype(np.uint8),
        "eileen-1.jpg": eileen,
        "eileen-2.jpg": (eileen * 0.75).astype(np.uint8),
        "both.jpg": np.concatenate([grace[:256], eileen[:256]], axis=1),
    }.items():
        (folder / name).write_bytes(jpeg(image))
    (folder / "coffee.jpg").write_bytes(nobody)
    (folder / "notes.txt").write_text("not a picture")
    return folder


def test_photographs_are_enrolled_clustered_named_and_listed_by_person(
    home: Home, holidays: Path, tmp_path: Path
) -> None:
    enrolled = home.json("enrol", holidays, *ALBUM, "--unlabelled")
    assert (enrolled["identities_created"], enrolled["faces_enrolled"], enrolled["files"]) == (7, 7, 8)
    assert enrolled["reasons"] == {"no_face_found": 1, "not_a_picture": 1}
    again = home.run("enrol", holidays, *ALBUM, "--unlabelled").stdout
    assert "album: 0 new unnamed faces from 0 pictures; 6 images enrolled before" in again

    dry = home.json("cluster", *ALBUM, "--dry-run", "--threshold", "0.6")
    assert [len(group["faces"]) for group in dry["groups"]] == [4, 3]
    assert (dry["unassigned"], dry["figures"]["joined"]) == ([], 0)
    shown = home.run("cluster", *ALBUM, "--threshold", "0.6").stdout
    assert "album: 7 unnamed faces, 2 groups with 7 faces." in shown
    assert "5 identities joined another" in shown
    assert home.json("cluster", *ALBUM, "--threshold", "0.6")["figures"]["joined"] == 0

    assert "album: 5 identities are separate again." in home.run("cluster", *ALBUM, "--undo", "last").stdout
    assert "was undone before; nothing was changed." in home.run("cluster", *ALBUM, "--undo", "last").stdout
    assert len(home.json("person", "list", *ALBUM, "--anonymous")["identities"]) == 7
    joined = home.json("cluster", *ALBUM, "--threshold", "0.6")
    assert joined["figures"]["joined"] == 5

    largest, other = home.json("person", "list", *ALBUM, "--anonymous", "--order", "faces")["identities"]
    assert (largest["faces"], other["faces"]) == (4, 3)
    home.run("person", "name", largest["id"], "Grace Hopper", *ALBUM)

    report = tmp_path / "people.csv"
    listed = home.json("person", "photographs", holidays, *ALBUM, "--report", report)
    assert [one["name"] for one in listed["people"]] == ["Grace Hopper", None]
    assert listed["people"][0]["files"] == ["2024/grace-1.jpg", "2024/grace-2.jpg", "both.jpg", "grace-3.jpg"]
    assert listed["people"][1]["files"] == ["both.jpg", "eileen-1.jpg", "eileen-2.jpg"]
    assert listed["without"] == ["coffee.jpg"]
    with report.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["file"] for line in lines if line["name"] == "Grace Hopper"] == listed["people"][0]["files"]
    text = home.run("person", "photographs", holidays, *ALBUM).stdout
    assert "7 photographs: 1 person with a name, 1 without; 1 photograph of nobody" in text

    undone = home.json("cluster", *ALBUM, "--undo", joined["id"])
    assert (undone["state"], undone["undone"], undone["kept_named"]) == ("undone", 2, 3)


def test_a_folder_without_photographs_is_reported(home: Home, tmp_path: Path) -> None:
    home.run("gallery", "create", "nobody")

    shown = home.run("person", "photographs", tmp_path, "--gallery", "nobody").stdout

    assert shown == f"There is no photograph in {tmp_path}.\n"


def test_a_folder_of_photographs_without_names_is_told_of_the_option_for_them(
    unused: Home, holidays: Path, tmp_path: Path
) -> None:
    for number, photograph in enumerate(sorted(holidays.glob("*.jpg"))):
        (tmp_path / f"{number}.jpg").write_bytes(photograph.read_bytes())

    said = " ".join(unused.run("enrol", tmp_path, *ALBUM, status=1).stderr.split())

    assert "one folder per person is needed" in said
    assert "`--unlabelled` enrols photographs whose people have no names" in said


def test_options_that_do_not_fit_are_errors_of_usage(unused: Home, tmp_path: Path) -> None:
    for arguments in (
        (),
        (tmp_path, "--threshold", "0"),
        (tmp_path, *ALBUM),
        (tmp_path, "--join-named"),
        (tmp_path, "--undo", "last"),
        (*ALBUM, "--undo", "last", "--dry-run"),
        (*ALBUM, "--state", tmp_path / "state.npz"),
        (tmp_path, "--threshold", "0.5", "--fpir", "0.1"),
        *((*ALBUM, "--threshold", threshold) for threshold in ("0", "1.5", "nan")),
    ):
        assert "Usage" in unused.run("cluster", *arguments, status=2).stderr


def test_a_folder_may_have_the_name_of_a_command_and_a_misspelt_command_is_not_taken_for_a_folder(
    unused: Home,
) -> None:
    (unused.folder / "up").mkdir()

    assert "no pictures" in unused.run("cluster", "./up", status=1).stderr
    assert "Did you mean `join`?" in unused.run("cluster", "joinn", status=2).stderr
