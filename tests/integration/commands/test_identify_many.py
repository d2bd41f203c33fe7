"""Many photographs and folders are identified by one command."""

import _thread
import json
import threading
from pathlib import Path

import pytest

from indexer.cli.recognition.files import print_last_line, print_lines
from indexer.errors import DatabaseUnavailable, UnreadableImage
from indexer.usecases.answers.identify import IdentifyAnswer
from indexer.usecases.identify_files import Photograph, identify_files
from tests.support.home import Home


@pytest.fixture(scope="module")
def gallery(home: Home, tmp_path_factory: pytest.TempPathFactory, hopper: bytes) -> str:
    folder = tmp_path_factory.mktemp("enrolled") / "Grace_Hopper"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(hopper)
    home.run("enrol", folder.parent, "--gallery", "many")
    return "many"


@pytest.fixture
def folder(tmp_path: Path, hopper: bytes, collins: bytes) -> Path:
    """Two people, a damaged photograph, and a file that is no picture."""
    (tmp_path / "b").mkdir()
    (tmp_path / "a.jpg").write_bytes(hopper[: len(hopper) // 3])
    (tmp_path / "b" / "collins.jpg").write_bytes(collins)
    (tmp_path / "b" / "hopper.jpg").write_bytes(hopper)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_folder_is_identified_and_the_photograph_that_fails_is_named(
    home: Home, gallery: str, folder: Path
) -> None:
    done = home.run("identify", folder, "-g", gallery, "--json", status=1)
    shown = home.run("identify", folder, "-g", gallery, status=1).stdout

    damaged, collins, hopper = json.loads(done.stdout)
    assert (damaged["image"], damaged["code"]) == (str(folder / "a.jpg"), "unreadable_image")
    assert not collins["faces"][0]["candidates"][0]["matched"]
    assert hopper["faces"][0]["candidates"][0]["matched"]
    assert str(Path("b") / "hopper.jpg") in shown
    assert "2 photographs searched, 1 failed; 1 other file skipped." in shown


def test_each_photograph_has_a_line_of_json_and_the_last_line_counts_them(
    home: Home, gallery: str, folder: Path
) -> None:
    hopper = folder / "b" / "hopper.jpg"
    done = home.run("identify", hopper, folder, "-g", gallery, "--json-lines", status=1)

    *lines, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(line["image"] for line in lines) == [
        *(str(folder / "a.jpg"), str(folder / "b" / "collins.jpg")),
        str(hopper),
    ]
    assert [line["image"] for line in lines if "code" in line] == [str(folder / "a.jpg")]
    assert last == {"done": True, "photographs": 3, "failed": 1, "skipped": 1}


def test_an_error_of_every_photograph_is_the_commands_and_comes_once(home: Home, folder: Path) -> None:
    done = home.run("identify", folder, "-g", "nowhere", "--json-lines", status=1)

    assert done.stdout == ""
    assert done.stderr.count("gallery_not_found") == 1


def test_options_that_do_not_go_together_and_an_empty_folder_are_errors(
    home: Home, gallery: str, folder: Path
) -> None:
    empty = folder / "empty"
    empty.mkdir()

    home.run("identify", folder, "-g", gallery, "--box", "1,1,50,50", status=2)
    home.run("identify", folder, "-g", gallery, "--json-lines", "--json", status=2)
    assert "no pictures" in home.run("identify", empty, "-g", gallery, status=1).stderr


def files(folder: Path, count: int) -> list[Photograph]:
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for path in paths:
        path.write_bytes(path.name.encode())
    return [Photograph(path=path, shown=path.name) for path in paths]


def test_an_answer_is_there_before_the_others_and_few_photographs_are_begun(tmp_path: Path) -> None:
    begun: list[bytes] = []
    go = threading.Event()

    def identify(data: bytes) -> bytes:
        begun.append(data)
        if data != b"0.jpg":
            assert go.wait(60)
        return data

    done = identify_files(files(tmp_path, 50), identify, parallel=2)
    first = next(done)

    assert first.answer == b"0.jpg"
    assert len(begun) <= 4
    go.set()
    assert len(list(done)) == 49
    assert len(begun) == 50


def test_after_an_error_of_the_database_no_photograph_is_begun(tmp_path: Path) -> None:
    begun: list[bytes] = []

    def identify(data: bytes) -> bytes:
        begun.append(data)
        if data == b"0.jpg":
            raise UnreadableImage("damaged")
        if data == b"1.jpg":
            raise DatabaseUnavailable("gone")
        return data

    done = identify_files(files(tmp_path, 50), identify, parallel=1)

    assert next(done).code == "unreadable_image"
    with pytest.raises(DatabaseUnavailable):
        list(done)
    assert len(begun) <= 4


def test_an_interrupted_command_begins_no_photograph_and_says_so_in_its_last_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun: list[bytes] = []

    def identify(data: bytes) -> IdentifyAnswer:
        begun.append(data)
        if len(begun) == 1:
            _thread.interrupt_main()
        raise UnreadableImage("damaged")

    run = print_lines(files(tmp_path, 500), identify, parallel=1)
    print_last_line(run)

    *lines, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert run.interrupted
    assert len(begun) < 500
    assert last == {"done": False, "photographs": len(lines), "failed": len(lines), "skipped": 0}


def test_the_metadata_of_candidates_is_shown(home: Home, gallery: str, hopper: bytes, tmp_path: Path) -> None:
    (tmp_path / "hopper.jpg").write_bytes(hopper)

    plain = home.run("identify", tmp_path / "hopper.jpg", "-g", gallery).stdout
    shown = home.run("identify", tmp_path / "hopper.jpg", "-g", gallery, "--metadata").stdout

    assert "Metadata" not in plain
    assert "Metadata" in shown
    assert "{}" in shown
