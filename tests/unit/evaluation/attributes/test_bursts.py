"""Folders of frames become bursts."""

from pathlib import Path

import pytest

from indexer.errors import InvalidRequest
from indexer.evaluation.attributes.liveness.bursts import cut_bursts, read_bursts
from indexer.vision.attacks.kinds import ATTACKS


def fill(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        (folder / f"{number}.jpg").write_bytes(b"a picture")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fill(tmp_path / "real" / "ann", 10)
    fill(tmp_path / "real" / "ben", 2)
    fill(tmp_path / "fake" / "screen" / "one", 3)
    fill(tmp_path / "fake" / "screen" / "two", 4)
    fill(tmp_path / "fake" / "print" / "one", 12)
    return tmp_path


def test_each_folder_is_a_burst_in_the_order_of_its_numbers_and_a_long_one_is_cut(folder: Path) -> None:
    bursts = read_bursts(folder, frames=3, spacing=2)

    found = [(burst.kind, [int(file.stem) for file in burst.files]) for burst in bursts]
    assert found == [
        ("bona_fide", list(range(1, 11))),
        ("print", [1, 3, 5]),
        ("print", [2, 4, 6]),
        ("print", [7, 9, 11]),
        ("print", [8, 10, 12]),
        ("screen", [1, 2, 3]),
        ("screen", [1, 2, 3, 4]),
    ]


def test_no_frame_is_in_two_bursts_and_few_are_left_out() -> None:
    sequence = [Path(f"{number}.jpg") for number in range(88)]
    bursts = list(cut_bursts(sequence, 5, 6))

    used = [file for burst in bursts for file in burst]
    assert len(used) == len(set(used)) == 85
    assert {len(burst) for burst in bursts} == {5}


def test_attacks_are_made_from_the_bursts_of_people(folder: Path) -> None:
    made = [burst for burst in read_bursts(folder, synthetic=True) if burst.attack]

    assert [burst.kind for burst in made] == [f"synthetic_{name}" for name in ATTACKS]


def test_a_folder_without_bursts_of_attacks_is_rejected(tmp_path: Path) -> None:
    fill(tmp_path / "real" / "ann", 5)
    fill(tmp_path / "fake" / "print" / "one", 2)

    with pytest.raises(InvalidRequest, match="3 frames or more"):
        read_bursts(tmp_path)
