"""Reads a folder of labelled expressions: `EXPRESSION/PERSON_....png`."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from indexer.attributes.heads.expression import EXPRESSIONS
from indexer.errors import InvalidRequest

CONTEMPT = "contempt"
"""Of the eight basic expressions, the one that the network does not know."""
KINDS = frozenset({".png", ".jpg", ".jpeg"})
SYNONYMS = {
    "angry": "anger",
    "disgusted": "disgust",
    "fearful": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "neutrality": "neutral",
    "sad": "sadness",
    "surprised": "surprise",
}
"""Of the names of folders: collections name the same expression differently."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    file: Path
    expression: str
    """By this system's name, such as `happiness` for a folder `happy`."""
    person: str
    """The part of the file's name before the first `_`."""


def read_expressions(folder: Path) -> tuple[LabelledPicture, ...]:
    """By expression and name.

    Raises InvalidRequest if the folder is missing or has no pictures, or if one of its folders is not named
    after an expression or has no pictures.
    """
    if not folder.is_dir():
        raise InvalidRequest(f"{folder} is not a folder", folder=str(folder))
    pictures = []
    for home in sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."):
        expression = _named(home)
        files = sorted(path for path in home.iterdir() if path.suffix.lower() in KINDS)
        if not files:
            raise InvalidRequest(f"{home} has no PNG or JPEG files", folder=str(home))
        pictures += [
            LabelledPicture(file=file, expression=expression, person=file.stem.partition("_")[0])
            for file in files
        ]
    if not pictures:
        raise InvalidRequest(
            f"{folder} has no folders of pictures named after an expression, such as"
            " anger/S010_004_00000017.png",
            folder=str(folder),
        )
    return tuple(pictures)


def counts(pictures: tuple[LabelledPicture, ...]) -> dict[str, int]:
    """Pictures by expression, in alphabetical order."""
    return dict(sorted(Counter(picture.expression for picture in pictures).items()))


def _named(home: Path) -> str:
    name = home.name.lower()
    expression = SYNONYMS.get(name, name)
    known = sorted({*EXPRESSIONS, CONTEMPT})
    if expression not in known:
        raise InvalidRequest(
            f"{home} is not named after an expression: {', '.join(known)}", folder=str(home), known=known
        )
    return expression
