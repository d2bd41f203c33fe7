"""The layout of a folder of labelled expressions."""

from pathlib import Path

import pytest

from indexer.errors import InvalidRequest
from indexer.evaluation.attributes.expression.data import counts, read_expressions


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    return folder


def test_a_folder_is_an_expression_and_the_name_before_the_underscore_a_person(tmp_path: Path) -> None:
    folder = touched(tmp_path, "happy/S011_6_11.png", "Anger/S010_4_17.JPG", "Anger/notes.txt")

    first, second = read_expressions(folder)

    assert (first.expression, first.person) == ("anger", "S010")
    assert (second.expression, second.person) == ("happiness", "S011")
    assert counts((first, second)) == {"anger": 1, "happiness": 1}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "such as anger/S010_004_00000017.png"),
        (("hapy/S011_1.png",), "hapy is not named after an expression: anger, contempt, disgust, fear"),
        (("anger/S011_1.png", "fear/S011_1.txt"), "fear has no PNG or JPEG files"),
    ],
)
def test_a_wrong_layout_is_rejected_with_what_is_expected(
    tmp_path: Path, names: tuple[str, ...], words: str
) -> None:
    with pytest.raises(InvalidRequest, match=words):
        read_expressions(touched(tmp_path, *names))


def test_a_missing_folder_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="is not a folder"):
        read_expressions(tmp_path / "nowhere")
