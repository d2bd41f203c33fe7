"""Which photograph shows whom: a folder a person, or a list. Reads names, never pixels."""

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
    """No identity is in both."""

    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]


def read(path: Path) -> tuple[Sample, ...]:
    """Everything in `path`, in a fixed order: a CSV of `file,identity` (files from its own folder), a folder
    that has such an `identities.csv`, or a folder with a folder a person (LFW, VGGFace2, one's own). A row
    without an identity is passed over, with a warning.

    Raises InvalidRequest where there is nobody, a line is malformed, or a file is listed for two people.
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
        raise InvalidRequest(f"{path} holds no folder a person with pictures in it", path=str(path))
    return samples


def split(samples: Sequence[Sample], *, validation: float, seed: int) -> Split:
    """About the share `validation` of the identities to one side, whole. Whether an identity is among them
    depends on its name and the seed only, so that more data later moves nobody across."""
    sides: tuple[list[Sample], list[Sample]] = ([], [])
    for sample in samples:
        digest = hashlib.sha256(f"{seed}\n{sample.identity}".encode()).digest()
        sides[int.from_bytes(digest[:8], "big") < validation * 2**64].append(sample)
    return Split(training=tuple(sides[0]), validation=tuple(sides[1]))


def people_of(samples: Sequence[Sample]) -> dict[str, list[int]]:
    """Places in `samples` by identity."""
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
        raise InvalidRequest(f"{path} cannot be read: {reason(error)}", path=str(path)) from error
    if rows and rows[0][1] == ["file", "identity"]:
        rows = rows[1:]
    owners: dict[Path, str] = {}
    for number, row in rows:
        if not any(row):
            continue
        if len(row) == 2 and row[0] and not row[1]:
            log.warning("%s: row %d says of nobody who %s is: passed over", path, number, row[0])
            continue
        if len(row) != 2 or not row[0]:
            raise InvalidRequest(f"{path}: row {number} is not `file,identity`: {row!r}", row=number)
        file = Path(os.path.normpath(path.parent / row[0]))
        if owners.setdefault(file, row[1]) != row[1]:
            raise InvalidRequest(f"{path}: {row[0]} shows {owners[file]} and {row[1]}", row=number)
    if not owners:
        raise InvalidRequest(f"{path} lists nobody", path=str(path))
    return tuple(Sample(file=file, identity=identity) for file, identity in owners.items())
