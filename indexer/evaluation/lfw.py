"""Reads the layout of Labeled Faces in the Wild: one folder per person, and a list of pairs.

It reads names and lists, not pixels. The layout is that of Huang et al. 2007, "Labeled Faces in the Wild",
UMass Amherst Technical Report 07-49: `NAME/NAME_0001.jpg`, and `pairs.txt` for its "View 2".
"""

import re
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import InvalidRequest
from indexer.files import reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    name: str
    images: tuple[Path, ...]
    """Ordered by number; never empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    first: Path
    second: Path
    matched: bool
    """Whether both images show the same person."""
    fold: int
    """The part of the cross-validation that the pair belongs to, from 0."""


def read_people(folder: Path) -> tuple[Person, ...]:
    """All people in `folder`, by name. Files that do not follow the layout are skipped.

    Raises InvalidRequest if the folder is missing or holds nobody.
    """
    _require_folder(folder)
    people = []
    for home in sorted(path for path in folder.iterdir() if path.is_dir()):
        numbered = re.compile(re.escape(home.name) + r"_\d{4}\.jpg")
        images = tuple(sorted(path for path in home.iterdir() if numbered.fullmatch(path.name)))
        if images:
            people.append(Person(name=home.name, images=images))
    if not people:
        raise InvalidRequest(f"{folder} holds no images named NAME/NAME_0001.jpg", folder=str(folder))
    return tuple(people)


def read_pairs(folder: Path) -> tuple[Pair, ...]:
    """The pairs of `pairs.txt`, in its order.

    The first line gives the number of folds, and the number of pairs of each kind per fold. A fold lists its
    matched pairs (name, number, number) before its mismatched pairs (name, number, name, number).

    Raises InvalidRequest if the folder or the list is missing, a line is malformed or out of place, or an
    image does not exist.
    """
    _require_folder(folder)
    path = folder / "pairs.txt"
    try:
        header, *lines = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:  # ValueError: an empty file, or one that is not UTF-8
        raise InvalidRequest(f"cannot read {path}: {reason(error)}", path=str(path)) from error
    try:
        folds, per_kind = (int(field) for field in header)
    except ValueError:
        raise InvalidRequest(f"{path} does not begin with the numbers of folds and pairs", line=1) from None
    # The threshold of a fold is chosen on the other folds, so there must be at least two.
    if folds < 2 or per_kind < 1 or len(lines) != folds * per_kind * 2:
        raise InvalidRequest(
            f"{path} announces {folds} folds of {per_kind} matched and {per_kind} mismatched pairs,"
            f" but lists {len(lines)} pairs",
            path=str(path),
        )
    pairs = []
    for place, fields in enumerate(lines):
        fold, place_in_fold = divmod(place, per_kind * 2)
        matched = place_in_fold < per_kind
        try:
            first, second = _images(folder, fields, matched=matched)
        except ValueError:
            kind = "matched" if matched else "mismatched"
            raise InvalidRequest(
                f"{path}, line {place + 2}: expected a {kind} pair, found {' '.join(fields)!r}",
                line=place + 2,
            ) from None
        for image in (first, second):
            if not image.is_file():
                raise InvalidRequest(f"{path}, line {place + 2}: {image} does not exist", line=place + 2)
        pairs.append(Pair(first=first, second=second, matched=matched, fold=fold))
    return tuple(pairs)


def _images(folder: Path, fields: list[str], *, matched: bool) -> tuple[Path, Path]:
    """Raises ValueError if the fields are not those of such a pair."""
    if matched:
        name, number, other_number = fields
        other_name = name
    else:
        name, number, other_name, other_number = fields
    return _image(folder, name, int(number)), _image(folder, other_name, int(other_number))


def _image(folder: Path, name: str, number: int) -> Path:
    return folder / name / f"{name}_{number:04d}.jpg"


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise InvalidRequest(f"{folder} is not a folder", folder=str(folder))
