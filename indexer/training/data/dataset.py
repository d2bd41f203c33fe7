"""Labelled photographs: a folder per person, or a list. Reads names, not pixels."""

import csv
import hashlib
import logging
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import InvalidRequest
from indexer.files import reason

log = logging.getLogger(__name__)

ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
LIST = "identities.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    file: Path
    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The two sides are disjoint in identities."""

    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]


def read(path: Path) -> tuple[Sample, ...]:
    """All samples of `path`, in a fixed order.

    `path` is a CSV file of `file,identity` (paths relative to its folder), a folder with such an
    `identities.csv`, or a folder with one folder per person, like LFW and VGGFace2. A row without an identity
    is skipped with a warning.

    Raises InvalidRequest if there are no samples, a line is malformed, or a file is listed for two people.
    """
    if path.is_file():
        return _listed(path)
    if (path / LIST).is_file():
        return _listed(path / LIST)
    if not path.is_dir():
        raise InvalidRequest(f"{path} is neither a folder nor a list", path=str(path))
    samples = tuple(
        Sample(file=file, identity=home.name)
        for home in sorted(path.iterdir())
        if home.is_dir()
        for file in sorted(home.rglob("*"))
        if file.suffix.lower() in ENDINGS
    )
    if not samples:
        raise InvalidRequest(f"{path} holds no folders of people with pictures", path=str(path))
    return samples


def split(samples: Sequence[Sample], *, validation: float, seed: int) -> Split:
    """Assigns about the share `validation` of the identities to validation. The side of an identity depends
    only on its name and the seed: adding data moves nobody to the other side."""
    sides: tuple[list[Sample], list[Sample]] = ([], [])
    for sample in samples:
        digest = hashlib.sha256(f"{seed}\n{sample.identity}".encode()).digest()
        sides[int.from_bytes(digest[:8], "big") < validation * 2**64].append(sample)
    return Split(training=tuple(sides[0]), validation=tuple(sides[1]))


def people_of(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """Indices in `samples` by identity."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, sample in enumerate(samples):
        places[sample.identity].append(place)
    return dict(places)


def _listed(path: Path) -> tuple[Sample, ...]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = [
                (number, [cell.strip() for cell in row]) for number, row in enumerate(csv.reader(lines), 1)
            ]
    except (OSError, ValueError, csv.Error) as error:
        raise InvalidRequest(f"cannot read {path}: {reason(error)}", path=str(path)) from error
    if rows and rows[0][1] == ["file", "identity"]:
        rows = rows[1:]
    owners: dict[Path, str] = {}
    for number, row in rows:
        if not any(row):
            continue
        if len(row) == 2 and row[0] and not row[1]:
            log.warning("%s: skipping row %d: no identity for %s", path, number, row[0])
            continue
        if len(row) != 2 or not row[0]:
            raise InvalidRequest(f"{path}: row {number} is not `file,identity`: {row!r}", row=number)
        file = Path(os.path.normpath(path.parent / row[0]))
        if owners.setdefault(file, row[1]) != row[1]:
            raise InvalidRequest(
                f"{path}: {row[0]} has two identities, {owners[file]} and {row[1]}", row=number
            )
    if not owners:
        raise InvalidRequest(f"{path} lists nobody", path=str(path))
    return tuple(Sample(file=file, identity=identity) for file, identity in owners.items())
