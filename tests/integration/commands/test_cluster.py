"""`gemel cluster DIR` as it is typed, on real faces: no database, no gallery."""

import _thread
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.errors import InvalidRequest
from indexer.pipeline.pipeline import Pipeline
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipelines
from indexer.usecases.cluster_folder import cluster_folder
from indexer.usecases.enrolment.quality_gate import QualityGate
from indexer.usecases.folder_groups.photographs import FaceReader
from tests.fuzz.mutations import Mutator
from tests.support.home import Home
from tests.support.pictures import jpeg, pixels

HOPPER = ["hopper-1.jpg", "hopper-2.jpg", "later/hopper-3.jpg"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture
def photographs(tmp_path: Path, hopper: bytes, collins: bytes, nobody: bytes) -> Path:
    """Grace Hopper three times, Eileen Collins and a cup of coffee once; a damaged file and some others."""
    folder = tmp_path / "photographs"
    (folder / "later").mkdir(parents=True)
    for name, data in {
        HOPPER[0]: hopper,
        HOPPER[1]: darker(hopper),
        HOPPER[2]: mirrored(hopper),
        "collins.jpg": collins,
        "coffee.jpg": nobody,
        "damaged.jpg": hopper[: len(hopper) // 3],
        "notes.txt": b"not a picture",
        ".hidden.jpg": hopper,
    }.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def pipeline() -> Iterator[Pipeline]:
    settings = Settings()
    with open_pipelines(settings, [settings.model]) as [opened]:
        yield opened


def darker(data: bytes) -> bytes:
    return jpeg((pixels(data) * 0.7).astype(np.uint8))


def mirrored(data: bytes) -> bytes:
    return jpeg(np.ascontiguousarray(pixels(data)[:, ::-1]))


def clustered(home: Home, *arguments: object) -> Any:
    return json.loads(home.run("cluster", *arguments, "--json", "-").stdout)


def files(group: Any) -> list[str]:
    return [face["file"] for face in group["faces"]]


def test_the_faces_of_one_person_are_a_group_and_the_rest_is_accounted_for(
    home: Home, photographs: Path, hopper: bytes
) -> None:
    said = clustered(home, photographs)

    [group] = said["groups"]
    assert group["id"] == 1
    assert files(group) == HOPPER
    height, width = pixels(hopper).shape[:2]
    for face in group["faces"]:
        box = face["box"]
        assert 0 < box["x"] + box["width"] / 2 < width
        assert 0 < box["y"] + box["height"] / 2 < height
    assert [(one["file"], one["reason"]) for one in said["unassigned"]] == [("collins.jpg", "alone")]
    assert [(one["file"], one["code"]) for one in said["unreadable"]] == [("damaged.jpg", "unreadable_image")]
    assert {Path(one["file"]).name: one["code"] for one in said["skipped"]} == {
        "notes.txt": "not_a_picture",
        ".hidden.jpg": "hidden_file",
    }
    assert said["without_face"] == 1


def test_the_terminal_shows_the_groups_and_the_unreadable_files(home: Home, photographs: Path) -> None:
    said = home.run("cluster", photographs).stdout

    assert "4 faces in 6 photographs: 1 group with 3 faces, 1 alone" in said
    assert "hopper-1.jpg" in said
    assert "damaged.jpg" in said


def test_the_page_shows_the_faces_and_escapes_the_names_of_files(
    home: Home, photographs: Path, tmp_path: Path
) -> None:
    (photographs / HOPPER[0]).rename(photographs / "<b>&.jpg")

    home.run("cluster", photographs, "--html", tmp_path / "groups.html")

    assert (tmp_path / "groups.html").stat().st_mode & 0o777 == 0o600, "it shows faces"
    page = (tmp_path / "groups.html").read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == 4  # three of the group, one alone
    assert "&lt;b&gt;&amp;.jpg" in page
    assert "<b>" not in page
    assert "<script" not in page
    assert 'src="http' not in page


def test_faces_below_the_quality_gate_are_not_compared(home: Home, photographs: Path) -> None:
    said = json.loads(home.run("cluster", photographs, "--json", "-", GEMEL_MIN_FACE_PX="10000").stdout)

    assert said["groups"] == []
    assert {one["reason"] for one in said["unassigned"]} == {"face_too_small"}
    assert len(said["unassigned"]) == 4


def test_the_next_run_reads_new_photographs_only_and_groups_keep_their_ids(
    home: Home, photographs: Path, tmp_path: Path, collins: bytes, hopper: bytes
) -> None:
    state = tmp_path / "groups.npz"
    clustered(home, photographs, "--state", state)
    for number in range(5):
        tinted = pixels(collins) * (1 - 0.05 * number)
        (photographs / f"collins-{number}.jpg").write_bytes(jpeg(tinted.astype(np.uint8)))
    (photographs / "hopper-4.jpg").write_bytes(jpeg(pixels(hopper), quality=60))

    said = clustered(home, photographs, "--state", state)

    assert said["new_photographs"] == 6 + 1  # and the damaged one, which is tried again
    by_id = {group["id"]: files(group) for group in said["groups"]}
    assert by_id[1] == [*HOPPER[:2], "hopper-4.jpg", HOPPER[2]]
    assert by_id[2] == [
        "collins-0.jpg",
        "collins-1.jpg",
        *(f"collins-{n}.jpg" for n in (2, 3, 4)),
        "collins.jpg",
    ]
    assert state.stat().st_mode & 0o077 == 0


def test_a_changed_photograph_is_read_again_and_a_deleted_one_is_forgotten(
    home: Home, photographs: Path, tmp_path: Path, collins: bytes
) -> None:
    state = tmp_path / "groups.npz"
    clustered(home, photographs, "--state", state)
    (photographs / HOPPER[0]).write_bytes(collins)
    (photographs / "coffee.jpg").unlink()

    said = clustered(home, photographs, "--state", state)

    assert {group["id"]: files(group) for group in said["groups"]} == {
        1: HOPPER[1:],
        2: ["collins.jpg", HOPPER[0]],
    }
    assert said["photographs"] == 5


def test_the_state_of_another_model_or_gate_or_folder_is_rejected(
    home: Home, photographs: Path, tmp_path: Path, hopper: bytes
) -> None:
    state, other = tmp_path / "groups.npz", tmp_path / "other"
    clustered(home, photographs, "--state", state)
    other.mkdir()
    (other / "1.jpg").write_bytes(hopper)
    kept = state.read_bytes()

    by_gate = home.run("cluster", photographs, "--state", state, status=1, GEMEL_MIN_FACE_PX="50").stderr
    by_folder = home.run("cluster", other, "--state", state, status=1).stderr

    assert "limits of quality" in by_gate
    assert "another folder" in by_folder
    assert state.read_bytes() == kept


def test_a_damaged_state_is_rejected_or_read_but_never_a_crash(
    pipeline: Pipeline, photographs: Path, tmp_path: Path
) -> None:
    reader = FaceReader(pipeline=pipeline, gate=QualityGate.of(Settings()), threads=2)
    state = tmp_path / "groups.npz"
    cluster_folder(reader, photographs, lambda _: 0.4, state_file=state)
    good = state.read_bytes()
    rng = np.random.default_rng(0)

    outcomes = set()
    for _ in range(60):
        damaged = bytearray(good)
        for place in rng.integers(len(good), size=rng.integers(1, 20)):
            damaged[place] = rng.integers(256)
        state.write_bytes(damaged[: rng.integers(1, len(good) + 1)] if rng.random() < 0.3 else damaged)
        try:
            cluster_folder(reader, photographs, lambda _: 0.4, state_file=state)
        except InvalidRequest as error:
            outcomes.add(error.message.split(" was ")[0].split(" is ")[0])
    assert outcomes == {str(state)}


def test_after_an_interruption_what_was_read_is_grouped_and_the_next_run_does_the_rest(
    pipeline: Pipeline, photographs: Path, tmp_path: Path
) -> None:
    reader = FaceReader(pipeline=pipeline, gate=QualityGate.of(Settings()), threads=1)
    state = tmp_path / "groups.npz"

    calls: list[str] = []

    def interrupt(doing: str, _done: int, _total: int) -> None:
        calls.append(doing)
        if len(calls) == 1:
            _thread.interrupt_main()

    first = cluster_folder(reader, photographs, lambda _: 0.4, state_file=state, progress=interrupt)
    second = cluster_folder(reader, photographs, lambda _: 0.4, state_file=state)

    assert first.interrupted
    assert 0 < len(first.photographs) < 6
    assert first.left == 6 - len(first.photographs)
    assert len(second.photographs) == 6
    [group] = second.groups
    assert group.files == HOPPER


def test_no_damaged_file_stops_a_folder(pipeline: Pipeline, photographs: Path) -> None:
    mutator = Mutator(1)
    for number in range(150):
        (photographs / f"mutated-{number}.jpg").write_bytes(mutator.next())
    os.mkfifo(photographs / "pipe.jpg")
    (photographs / "gone.jpg").symlink_to(photographs / "nothing.jpg")
    (photographs / "again").symlink_to(photographs)
    (photographs / os.fsdecode(b"not-utf8-\xff.jpg")).write_bytes(b"")
    reader = FaceReader(pipeline=pipeline, gate=QualityGate.of(Settings()), threads=2)

    found = cluster_folder(reader, photographs, lambda _: 0.4)

    assert len(found.photographs) == 6 + 150 + 1
    assert [group.files for group in found.groups] == [HOPPER]
    assert {file.path.name: file.code for file in found.skipped} == {
        "notes.txt": "not_a_picture",
        ".hidden.jpg": "hidden_file",
        "pipe.jpg": "not_a_file",
        "gone.jpg": "broken_link",
        "again": "linked_folder",
    }


@pytest.mark.parametrize("threshold", ["0", "1.5", "nan"])
def test_a_threshold_out_of_range_is_rejected(home: Home, photographs: Path, threshold: str) -> None:
    assert "threshold" in home.run("cluster", photographs, "--threshold", threshold, status=2).stderr


def test_a_folder_without_pictures_is_rejected(home: Home, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")

    assert "no pictures" in home.run("cluster", tmp_path, status=1).stderr
