from pathlib import Path

import pytest

from indexer.errors import InvalidRequest
from indexer.evaluation.lfw import Pair, Person, read_pairs, read_people

PAIRS = (
    "2\t1",
    "Ann_Lee\t1\t3",
    "Ann_Lee\t2\tBo\t1",
    "Cy_Young\t1\t2",
    "Bo\t1\tCy_Young\t2",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, images in (("Cy_Young", 2), ("Ann_Lee", 3), ("Bo", 1)):
        (tmp_path / name).mkdir()
        for number in range(1, images + 1):
            (tmp_path / name / f"{name}_{number:04d}.jpg").touch()
    (tmp_path / "pairs.txt").write_text("\n".join(PAIRS) + "\n")
    return tmp_path


def image(folder: Path, name: str, number: int) -> Path:
    return folder / name / f"{name}_{number:04d}.jpg"


def test_people_are_ordered_by_name_and_their_images_by_number(folder: Path) -> None:
    assert read_people(folder) == (
        Person(name="Ann_Lee", images=tuple(image(folder, "Ann_Lee", n) for n in (1, 2, 3))),
        Person(name="Bo", images=(image(folder, "Bo", 1),)),
        Person(name="Cy_Young", images=tuple(image(folder, "Cy_Young", n) for n in (1, 2))),
    )


def test_files_outside_the_layout_are_skipped(folder: Path) -> None:
    (folder / "Empty").mkdir()
    for stray in ("Bo_0002.png", "Thumbs.db", "Ann_Lee_0001.jpg", "Bo_1.jpg"):
        (folder / "Bo" / stray).touch()

    people = {person.name: person.images for person in read_people(folder)}

    assert list(people) == ["Ann_Lee", "Bo", "Cy_Young"]
    assert people["Bo"] == (image(folder, "Bo", 1),)


def test_pairs_keep_their_order_kind_and_fold(folder: Path) -> None:
    ann, bo, cy = "Ann_Lee", "Bo", "Cy_Young"

    assert read_pairs(folder) == (
        Pair(first=image(folder, ann, 1), second=image(folder, ann, 3), matched=True, fold=0),
        Pair(first=image(folder, ann, 2), second=image(folder, bo, 1), matched=False, fold=0),
        Pair(first=image(folder, cy, 1), second=image(folder, cy, 2), matched=True, fold=1),
        Pair(first=image(folder, bo, 1), second=image(folder, cy, 2), matched=False, fold=1),
    )


def test_a_missing_folder_is_rejected(tmp_path: Path) -> None:
    for read in (read_people, read_pairs):
        with pytest.raises(InvalidRequest, match="is not a folder"):
            read(tmp_path / "nowhere")


def test_a_folder_without_people_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="holds no images"):
        read_people(tmp_path)


def test_a_folder_without_pairs_is_rejected(folder: Path) -> None:
    (folder / "pairs.txt").unlink()

    with pytest.raises(InvalidRequest, match=r"cannot read .*pairs.txt: No such file or directory$"):
        read_pairs(folder)


@pytest.mark.parametrize(
    ("line", "text", "complaint"),
    [
        (0, "", "does not begin with"),
        (0, "4", "does not begin with"),
        (0, "two\tone", "does not begin with"),
        (0, "1\t2", "announces 1 folds"),
        (0, "2\t2", "lists 4"),
        (1, "Ann_Lee\t1\tthree", "line 2: expected a matched pair"),
        (1, "Ann_Lee\t1\tBo\t1", "line 2: expected a matched pair"),
        (2, "Ann_Lee\t2\t3", "line 3: expected a mismatched pair"),
        (3, "Cy_Young\t1", "line 4: expected a matched pair"),
        (4, "Bo\t1\tCy_Young\t9", "line 5: .*Cy_Young_0009.jpg does not exist"),
    ],
)
def test_a_malformed_list_is_rejected_with_the_place(
    folder: Path, line: int, text: str, complaint: str
) -> None:
    lines = [*PAIRS[:line], text, *PAIRS[line + 1 :]]
    (folder / "pairs.txt").write_text("\n".join(lines))

    with pytest.raises(InvalidRequest, match=complaint):
        read_pairs(folder)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00"])
def test_a_list_that_is_not_utf8_is_rejected(folder: Path, content: bytes) -> None:
    (folder / "pairs.txt").write_bytes(content)

    with pytest.raises(InvalidRequest, match="cannot read"):
        read_pairs(folder)
