"""Labels of age and gender are read whole, or the line that is wrong is named."""

from pathlib import Path

import pytest

from indexer.errors import InvalidRequest
from indexer.evaluation.attributes import age_labels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).touch()
    return tmp_path


def read(folder: Path, text: str) -> list[age_labels.Labelled]:
    (folder / "labels.csv").write_text(text)
    return age_labels.read(folder)


def test_ages_in_years_and_groups_of_utkface_are_read(folder: Path) -> None:
    exact = read(folder, "file,age,gender\na.jpg,34,female\nb.jpg,0.5,\n")
    grouped = read(folder, "file,decade,gender\na.jpg,4,0\nb.jpg,9,1\n")

    assert [(label.years, label.gender, label.group) for label in exact] == [
        (34.0, "female", "31 to 40"),
        (0.5, None, "0 to 5"),
    ]
    assert [(label.first_year, label.last_year, label.gender) for label in grouped] == [
        (21, 30, "male"),
        (71, 90, "female"),
    ]


@pytest.mark.parametrize(
    "line", ["missing.jpg,4,0", "a.jpg,,0", "a.jpg,10,0", "a.jpg,-1,0", "a.jpg,4,2", "a.jpg,x,0"]
)
def test_a_line_that_is_wrong_is_named(folder: Path, line: str) -> None:
    with pytest.raises(InvalidRequest, match="line 2"):
        read(folder, f"file,decade,gender\n{line}\n")


@pytest.mark.parametrize("text", ["", "file,gender\na.jpg,0\n", "file,decade\n"])
def test_a_file_without_labels_is_rejected(folder: Path, text: str) -> None:
    with pytest.raises(InvalidRequest):
        read(folder, text)
