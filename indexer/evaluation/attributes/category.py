"""Accuracy and confusion of a head with categories, such as a mask or none, with intervals by person.

Every picture counts. One without a face or without a value is a wrong answer.
"""

import csv
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.attributes.estimate import Estimate
from indexer.attributes.reader import AttributeReader
from indexer.errors import InvalidInput, InvalidRequest
from indexer.evaluation.attributes.shares import (
    CANNOT_TELL,
    NO_FACE,
    NO_VALUE,
    UNREADABLE,
    Shares,
    calibration_error,
    confidences,
    confusion,
    reasons,
)
from indexer.evaluation.intervals import Interval
from indexer.files import reason
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Attribute

KINDS = frozenset({".png", ".jpg", ".jpeg", ".webp"})
NOTHING = "none"
"""The label of an empty list of categories. Several are joined by `+`, in alphabetical order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    file: Path
    label: str

    @property
    def person(self) -> str:
        """The part of the file's name before the first `_`."""
        return self.file.stem.partition("_")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    picture: Labelled
    answer: str
    """A value, or one of `NO_VALUE`."""
    estimate: Estimate | None
    """None without a face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryResult:
    attribute: str
    pictures: int
    people: int
    accuracy: float
    """The share of all pictures with the right value."""
    accuracy_interval: Interval | None
    accuracy_when_decided: float | None
    """The share of right values among the pictures with a value; None if there is no value."""
    accuracy_when_decided_interval: Interval | None
    right_by_label: dict[str, tuple[float, Interval | None]]
    """Of the pictures with a face."""
    cannot_tell: float
    """The share of the pictures with a face that have no value."""
    cannot_tell_interval: Interval | None
    cannot_tell_reasons: dict[str, int]
    no_face: int
    unreadable: int
    mean_confidence: float | None
    """Of the values: it should be `accuracy_when_decided`."""
    calibration_error: float | None
    """As of `shares`."""
    confusion: dict[str, dict[str, int]]
    """Number of pictures by label, then by answer."""


def read(folder: Path, labels: Path | None = None) -> tuple[Labelled, ...]:
    """Of `folder/LABEL/*.jpg`; or, with `labels`, a CSV file with the columns `file` (in `folder`) and
    `label`. By label and name. Raises InvalidRequest."""
    pictures = _by_folder(folder) if labels is None else _by_table(folder, labels)
    if not pictures:
        raise InvalidRequest(
            f"{folder} has no folders of pictures that are named after a label, such as none/1.jpg",
            folder=str(folder),
        )
    return tuple(sorted(pictures, key=lambda picture: (picture.label, picture.file)))


def _by_folder(folder: Path) -> list[Labelled]:
    if not folder.is_dir():
        raise InvalidRequest(f"{folder} is not a folder", folder=str(folder))
    homes = [path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."]
    return [
        Labelled(file=file, label=home.name)
        for home in homes
        for file in home.iterdir()
        if file.suffix.lower() in KINDS
    ]


def _by_table(folder: Path, labels: Path) -> list[Labelled]:
    try:
        with labels.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"file", "label"} <= set(rows.fieldnames or ()):
                raise InvalidRequest(
                    f"{labels} needs a header with the columns file, label", path=str(labels)
                )
            return [_row(folder, labels, rows.line_num, row) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"cannot read {labels}: {reason(error)}", path=str(labels)) from error


def _row(folder: Path, labels: Path, line: int, row: dict[str, str | None]) -> Labelled:
    file = folder / (row["file"] or "").strip()
    label = (row["label"] or "").strip()
    if not label or not file.is_file():
        why = "has no label" if file.is_file() else f"there is no file {file}"
        raise InvalidRequest(f"{labels}, line {line}: {why}", path=str(labels), line=line)
    return Labelled(file=file, label=label)


def collect(
    pipeline: Pipeline,
    reader: AttributeReader,
    attribute: Attribute,
    pictures: Sequence[Labelled],
    progress: Callable[[int], object],
) -> list[Outcome]:
    """Of each picture's largest face, as the service estimates it."""
    done: list[Outcome] = []
    for picture in pictures:
        done.append(_outcome(pipeline, reader, attribute, picture))
        progress(len(done))
    return done


def _outcome(pipeline: Pipeline, reader: AttributeReader, attribute: Attribute, picture: Labelled) -> Outcome:
    watch = Stopwatch()
    try:
        photograph = pipeline.detect(picture.file.read_bytes(), watch, max_faces=1)
    except (InvalidInput, OSError):
        return Outcome(picture=picture, answer=UNREADABLE, estimate=None)
    if not photograph.faces:
        return Outcome(picture=picture, answer=NO_FACE, estimate=None)
    [estimates] = reader.read(photograph, (attribute,), watch)
    estimate = estimates[attribute.value]
    return Outcome(picture=picture, answer=_answer(estimate), estimate=estimate)


def _answer(estimate: Estimate) -> str:
    if estimate.value is None:
        return CANNOT_TELL
    if isinstance(estimate.value, tuple):
        return "+".join(sorted(estimate.value)) or NOTHING
    return str(estimate.value)


def measure(attribute: Attribute, outcomes: Sequence[Outcome]) -> CategoryResult:
    """`outcomes`: at least one."""
    labels = np.array([outcome.picture.label for outcome in outcomes])
    answers = np.array([outcome.answer for outcome in outcomes])
    confidence = confidences(outcome.estimate for outcome in outcomes)
    right, decided = answers == labels, ~np.isin(answers, NO_VALUE)
    faces = decided | (answers == CANNOT_TELL)
    known = decided & (confidence > 0)
    shares = Shares([outcome.picture.person for outcome in outcomes])
    accuracy = shares.share(right, np.ones(len(outcomes), np.bool_))
    when_decided = shares.share(right, decided)
    cannot_tell = shares.share(~decided, faces)
    counted = Counter(answers.tolist())
    return CategoryResult(
        attribute=attribute.value,
        pictures=len(outcomes),
        people=shares.people,
        accuracy=accuracy[0],
        accuracy_interval=accuracy[1],
        accuracy_when_decided=when_decided[0] if decided.any() else None,
        accuracy_when_decided_interval=when_decided[1] if decided.any() else None,
        right_by_label={
            label: shares.share(right, faces & (labels == label))
            for label in sorted(set(labels.tolist()))
            if (faces & (labels == label)).any()
        },
        cannot_tell=cannot_tell[0] if faces.any() else 0.0,
        cannot_tell_interval=cannot_tell[1] if faces.any() else None,
        cannot_tell_reasons=reasons(outcome.estimate for outcome in outcomes),
        no_face=counted[NO_FACE],
        unreadable=counted[UNREADABLE],
        mean_confidence=float(confidence[known].mean()) if known.any() else None,
        calibration_error=calibration_error(confidence[known], right[known]) if known.any() else None,
        confusion=confusion(labels.tolist(), answers.tolist(), _columns(answers.tolist())),
    )


def _columns(answers: Sequence[str]) -> list[str]:
    return sorted(set(answers) - set(NO_VALUE)) + [each for each in NO_VALUE if each in answers]
