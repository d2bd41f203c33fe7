"""`gemel enrol`: a folder a person."""

import csv
import json
import signal
import subprocess
import unicodedata
from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.records.database.session import Database
from tests.support.faults.embedded_user import User
from tests.support.home import GEMEL, Home, wait_for
from tests.support.pictures import jpeg, pixels


def test_a_folder_is_enrolled_once_and_a_second_run_passes_over_it(home: Home, people: Path) -> None:
    first = home.json("enrol", people, "--gallery", "once")
    second = home.json("enrol", people, "--gallery", "once")

    assert (first["identities_created"], first["faces_enrolled"], first["images_known"]) == (2, 2, 0)
    assert [(Path(r["image"]).name, r["code"]) for r in first["rejected"]] == [("2.jpg", "no_face_found")]
    assert (second["identities_created"], second["faces_enrolled"], second["images_known"]) == (0, 0, 2)


def test_a_picture_added_to_a_known_person_is_enrolled_by_the_next_run(
    home: Home, people: Path, hopper: bytes
) -> None:
    home.run("enrol", people, "--gallery", "more")
    (people / "Grace_Hopper" / "2.jpg").write_bytes(hopper + b"\0")  # the same face in another file

    again = home.json("enrol", people, "--gallery", "more")

    assert (again["identities_created"], again["faces_enrolled"], again["images_known"]) == (0, 1, 2)


def test_every_file_of_a_folder_is_accounted_for_and_everybody_without_a_face_is_named(
    home: Home, people: Path, nobody: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (people / "Nobody").mkdir()
    (people / "Nobody" / "1.jpg").write_bytes(nobody)
    (people / "Nobody" / "2.png").write_text("no picture")
    (people / "Nobody" / "notes.txt").write_text("hello")
    (people / "Nobody" / "2019").mkdir()
    (people / "Nobody" / "2019" / "3.jpg").write_bytes(nobody)
    (people / "loose.jpg").write_bytes(nobody)
    report = tmp_path_factory.mktemp("report") / "enrolled.csv"

    told = home.json("enrol", people, "--gallery", "accounted", "--report", report)

    with report.open(newline="") as file:
        rows = {row["file"]: (row["person"], row["outcome"], row["code"]) for row in csv.DictReader(file)}
    assert rows == {
        "Eileen_Collins/1.jpg": ("Eileen_Collins", "enrolled", ""),
        "Eileen_Collins/2.jpg": ("Eileen_Collins", "rejected", "no_face_found"),
        "Grace_Hopper/1.jpg": ("Grace_Hopper", "enrolled", ""),
        "Nobody/1.jpg": ("Nobody", "rejected", "no_face_found"),
        "Nobody/2.png": ("Nobody", "rejected", "unsupported_image_format"),
        "Nobody/notes.txt": ("", "skipped", "not_a_picture"),
        "Nobody/2019/3.jpg": ("", "skipped", "nested_file"),
        "loose.jpg": ("", "skipped", "loose_file"),
    }
    assert told["files"] == len(rows)
    assert told["without_face"] == ["Nobody"]
    assert told["reasons"]["no_face_found"] == 2
    shown = home.run("enrol", people, "--gallery", "accounted").stdout
    assert "People without a face in the gallery: 1" in shown
    assert "Nobody" in shown.splitlines()[-1]


def test_a_folder_whose_name_can_be_no_id_is_named_with_what_to_do(
    home: Home, people: Path, hopper: bytes
) -> None:
    (people / "new\nline").mkdir()
    (people / "new\nline" / "1.jpg").write_bytes(hopper)

    done = home.run("enrol", people, "--gallery", "renamed", status=1)

    assert "Failed: 1 invalid_request (rename the person's folder)" in done.stdout
    assert "2 new people, 2 new faces;" in done.stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_enrolment_says_so_and_the_next_one_goes_on(
    unused: Home, tmp_path: Path, hopper: bytes, how: signal.Signals
) -> None:
    """Ctrl-C, or as a service is ended, in the middle of many pictures, many of them one person's."""
    small = jpeg(pixels(hopper)[::2, ::2])
    for person in range(4):
        (tmp_path / f"person{person}").mkdir()
        for number in range(30):
            (tmp_path / f"person{person}" / f"{number:03d}.jpg").write_bytes(small + bytes([person, number]))
    answer = unused.folder / f"{how.name}.json"
    user = User(unused.folder)
    database = Database(user.url())
    with subprocess.Popen(
        [GEMEL, "enrol", tmp_path, "--gallery", how.name, f"--json={answer}"],
        env=unused.environment,
        cwd=unused.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        wait_for(lambda: _faces(database, how.name) > 0, 120)
        database.close()
        assert user.leave() == ""
        command.send_signal(how)
        assert command.wait(timeout=120) == 130
        assert command.stderr is not None
        assert "Run the command again to continue" in command.stderr.read()
    assert not (unused.folder / "postgresql" / "postmaster.pid").exists(), "nobody else uses it"

    first = json.loads(answer.read_text())
    second = unused.json("enrol", tmp_path, "--gallery", how.name)

    assert first["interrupted"]
    assert 0 < first["faces_enrolled"] < 120
    assert first["faces_enrolled"] + first["not_reached"] == first["files"] == 120
    assert second["images_known"] == first["faces_enrolled"]
    assert second["faces_enrolled"] == 120 - first["faces_enrolled"]


def _faces(database: Database, gallery: str) -> int:
    with database.reading() as session:
        counted = text("SELECT face_count FROM gallery WHERE name = :name")
        return session.scalar(counted, {"name": gallery}) or 0


def test_a_name_is_the_same_however_its_letters_are_composed(
    home: Home, tmp_path: Path, hopper: bytes
) -> None:
    composed, decomposed = (unicodedata.normalize(form, "Zo\u00eb") for form in ("NFC", "NFD"))
    for name in (composed, decomposed):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{len(name)}.jpg").write_bytes(hopper + name.encode())

    home.run("enrol", tmp_path, "--gallery", "composed")

    [person] = home.json("person", "list", "--gallery", "composed")["identities"]
    assert (person["external_id"], person["faces"]) == (composed, 2)
    shown = home.json("person", "show", decomposed, "--gallery", "composed")
    assert [face["quality"] > 0 for face in shown["faces"]] == [True, True]
    assert composed in home.run("person", "show", person["id"], "--gallery", "composed").stdout


def test_people_of_a_folder_who_look_like_somebody_enrolled_are_rejected_and_named(
    home: Home, people: Path, hopper: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home.run("gallery", "create", "checked", "--duplicate-check", "reject")
    home.run("enrol", people, "--gallery", "checked")
    again = tmp_path_factory.mktemp("again")
    (again / "Amazing_Grace").mkdir()
    (again / "Amazing_Grace" / "1.jpg").write_bytes(hopper)

    rejected = home.json("enrol", again, "--gallery", "checked")
    shown = home.run("enrol", again, "--gallery", "checked").stdout
    allowed = home.json("enrol", again, "--gallery", "checked", "--allow-duplicates")

    assert rejected["identities_created"] == 0
    assert rejected["reasons"] == {"duplicate_identity": 1}
    for result in (rejected, allowed):
        [found] = result["duplicates"]
        assert found["person"] == "Amazing_Grace"
        assert [one["external_id"] for one in found["candidates"]] == ["Grace_Hopper"]
    assert "People who look like somebody enrolled: 1" in shown
    assert "enrol with --allow-duplicates" in " ".join(shown.replace("│", " ").split())
    assert "allow_duplicate=" not in shown
    assert allowed["identities_created"] == 1


def test_the_duplicate_check_of_a_gallery_is_set_and_printed(home: Home) -> None:
    home.run("gallery", "create", "set")

    shown = home.run("gallery", "set", "set", "--duplicate-check", "warn", "--duplicate-fpir", "0.0005")
    back = home.json("gallery", "set", "set", "--duplicate-fpir", "0")

    assert "Its duplicate check is warn, at an FPIR of 0.0005." in shown.stdout
    assert (back["duplicate_check"], back["duplicate_fpir"]) == ("warn", None)
    assert "The duplicate check of enrolments is warn" in home.run("gallery", "show", "set").stdout
    assert "name a policy to set" in home.run("gallery", "set", "set", status=2).stderr
