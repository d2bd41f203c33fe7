from pathlib import Path

import pytest

from indexer.errors import InvalidRequest
from indexer.evaluation.fairness.labels import read_csv, read_lists

HOME = Path("data")


def test_a_csv_names_files_by_path_or_by_name(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("age,file,group\n30,Ann/Ann_0001.jpg,f\n31,Bob_0001.jpg,m\n", "utf-8")

    labels = read_csv(path)

    assert labels.of(HOME / "Ann" / "Ann_0001.jpg", HOME) == "f"
    assert labels.of(HOME / "Bob" / "Bob_0001.jpg", HOME) == "m"
    assert labels.of(HOME / "Cy" / "Cy_0001.jpg", HOME) is None


def test_lists_give_every_file_in_them_their_group(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("Ann_0001.jpg\n\nEve_0002.jpg\n")
    (tmp_path / "m.txt").write_text("Bob_0001.jpg\n")

    labels = read_lists({"f": tmp_path / "f.txt", "m": tmp_path / "m.txt"})

    assert dict(labels.groups) == {"Ann_0001.jpg": "f", "Eve_0002.jpg": "f", "Bob_0001.jpg": "m"}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "columns file and group"),
        (b"file,sex\na.jpg,f\n", "columns file and group"),
        (b"file,group\na.jpg,f\nb.jpg\n", "line 3: needs a file and a group"),
        (b"file,group\n,f\n", "line 2: needs a file and a group"),
        (b"file,group\na.jpg,f\na.jpg,m\n", "line 3: a.jpg has two groups, f and m"),
        (b"file,group\n\xff\xfe\n", "cannot read"),
    ],
)
def test_a_malformed_csv_is_rejected_with_the_place(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)

    with pytest.raises(InvalidRequest, match=complaint):
        read_csv(path)


def test_missing_files_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot read"):
        read_csv(tmp_path / "nothing.csv")
    with pytest.raises(InvalidRequest, match="cannot read"):
        read_lists({"f": tmp_path / "nothing.txt"})


def test_a_file_in_two_lists_belongs_to_neither_group(tmp_path: Path) -> None:
    (tmp_path / "f.txt").write_text("Ann_0001.jpg\nEve_0001.jpg\n")
    (tmp_path / "m.txt").write_text("Ann_0001.jpg\n")

    labels = read_lists({"f": tmp_path / "f.txt", "m": tmp_path / "m.txt"})

    assert dict(labels.groups) == {"Eve_0001.jpg": "f"}
