"""Labelled photographs, and who is held out."""

from pathlib import Path

import pytest

from indexer.errors import InvalidRequest
from indexer.training.data import dataset
from indexer.training.data.dataset import Sample


def test_folders_of_people_are_read_at_any_depth_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "b/1.PNG", "a/video 1/9.webp", "a/notes.txt", "list.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    read = [(sample.identity, sample.file.name) for sample in dataset.read(tmp_path)]

    assert read == [("a", "9.webp"), ("b", "1.PNG"), ("b", "2.jpg")]


@pytest.mark.parametrize("heading", ["", "file,identity\n", "\ufefffile,identity\r\n", "\ufeff\n"])
def test_a_list_names_files_beside_it(tmp_path: Path, heading: str) -> None:
    lines = "1.jpg,ann\n\nsub/2.jpg, bob\nsub/../1.jpg,ann\nunknown.jpg,\n"
    (tmp_path / "identities.csv").write_text(heading + lines)
    wanted = (
        Sample(file=tmp_path / "1.jpg", identity="ann"),
        Sample(file=tmp_path / "sub/2.jpg", identity="bob"),
    )
    assert dataset.read(tmp_path) == wanted == dataset.read(tmp_path / "identities.csv")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("1.jpg\n", "row 1"),
        (",ann\n", "row 1"),
        ("file,identity\n1.jpg,a\nx/../1.jpg,b\n", "has two identities, a and b"),
        ("file,identity\n1.jpg,a\n2.jpg\n", "row 3"),
        ('1.jpg,"' + "a" * 200_000, "cannot read"),
        ("", "nobody"),
    ],
)
def test_an_invalid_list_is_rejected(tmp_path: Path, lines: str, reason: str) -> None:
    (tmp_path / "people.csv").write_text(lines)
    with pytest.raises(InvalidRequest, match=reason):
        dataset.read(tmp_path / "people.csv")


def test_a_folder_without_people_and_a_missing_folder_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no folders of people"):
        dataset.read(tmp_path)
    with pytest.raises(InvalidRequest, match="neither"):
        dataset.read(tmp_path / "missing")


def test_the_sides_are_disjoint_and_more_data_moves_nobody() -> None:
    samples = [Sample(file=Path(f"{i}.jpg"), identity=f"p{i // 3}") for i in range(900)]

    few = dataset.split(samples[:300], validation=0.2, seed=1)
    many = dataset.split(samples, validation=0.2, seed=1)

    sides = [{sample.identity for sample in side} for side in (many.training, many.validation)]
    assert not sides[0] & sides[1]
    assert len(many.training) + len(many.validation) == 900
    assert 0.13 < len(sides[1]) / 300 < 0.27
    assert {sample.identity for sample in few.validation} <= sides[1]
    assert dataset.split(samples, validation=0.2, seed=2).validation != many.validation
