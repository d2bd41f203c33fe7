"""Sentences that depend on figures which no photograph of the tests has."""

from dataclasses import replace
from uuid import UUID

import pytest

from indexer.audit.searches import sentences
from indexer.records.audit.search_details import (
    RecordedCandidate,
    RecordedDecision,
    RecordedFace,
    RecordedSearch,
    SearchKind,
)

GOOD = {"score": 90.0, "size": 90.0, "sharpness": 90.0, "exposure": 90.0, "pose": 90.0, "face_px": 100.0}


def candidate(number: int, score: float) -> RecordedCandidate:
    return RecordedCandidate(
        identity_id=UUID(int=number),
        face_id=UUID(int=100 + number),
        score=score,
        face_score=score,
        template_score=None,
    )


DECISION = RecordedDecision(
    threshold=0.4,
    requested=False,
    target=0.001,
    estimate=0.001,
    interval=(0.0006, 0.0018),
    trusted=True,
    calibration="gallery",
    calibration_id=UUID(int=9),
)
FACE = RecordedFace(
    box=(1, 2, 3, 4),
    quality=GOOD,
    unmatched_reason=None,
    matched=True,
    candidates=(candidate(1, 0.7), candidate(2, 0.2)),
)
SEARCH = RecordedSearch(
    kind=SearchKind.IDENTIFY, model="m", gallery_size=1_200, decision=DECISION, faces=(FACE,), faces_found=1
)


def search_of(face: RecordedFace) -> RecordedSearch:
    return replace(SEARCH, faces=(face,))


@pytest.mark.parametrize(
    ("figures", "warning"),
    [
        ({"size": 30.0, "face_px": 22.4}, "The face is small: 22 pixels on its shorter side."),
        ({"sharpness": 10.0}, "The face is blurred."),
        ({"exposure": 0.0}, "The face is too dark or too bright."),
        ({"pose": 49.0}, "The face is turned away from the lens."),
        ({"expected_miss_rate": 0.38}, "Searches miss about 38 of 100 faces of this quality."),
    ],
)
def test_each_bad_figure_of_quality_is_a_warning(figures: dict[str, float], warning: str) -> None:
    assert sentences.warnings(search_of(replace(FACE, quality=GOOD | figures)), 0) == [warning]


def test_a_good_face_far_from_the_threshold_has_no_warning() -> None:
    assert sentences.warnings(SEARCH, 0) == []


def test_two_people_who_are_equally_similar_are_a_warning() -> None:
    close = replace(FACE, candidates=(candidate(1, 0.7), candidate(2, 0.69)))

    [warning] = sentences.warnings(search_of(close), 0)

    assert warning.startswith("The first two people are about equally similar")


@pytest.mark.parametrize(
    ("calibration", "source"),
    [
        ("gallery", "the gallery's own calibration gives it"),
        ("model", "the calibration of its model gives it"),
        ("card", "the figures on the model's card give it"),
    ],
)
def test_the_threshold_names_its_calibration_and_policy(calibration: str, source: str) -> None:
    origin, meaning = sentences.of_threshold(
        replace(SEARCH, decision=replace(DECISION, calibration=calibration))
    )

    assert origin == (
        f"The threshold was 0.400: {source} for the policy of 10 false alarms in 10,000 searches."
    )
    assert meaning == (
        "Of 10,000 searches for strangers among 1,200 enrolled faces, about 10 would reach this threshold"
        " (6 to 18 by the measurement)."
    )


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.01, "Of 10,000 searches"),
        (0.00002, "Of 100,000 searches"),
        (3e-9, "Of 1,000,000,000 searches"),
        (0.0, "Of 10,000 searches"),
    ],
)
def test_a_low_rate_is_given_for_so_many_searches_that_one_is_a_false_alarm(rate: float, words: str) -> None:
    decision = replace(DECISION, estimate=rate, interval=None)

    assert sentences.of_threshold(replace(SEARCH, decision=decision))[1].startswith(words)


def test_details_are_read_as_they_were_written() -> None:
    whole = replace(
        SEARCH, faces=(replace(FACE, crop_sha256="ab" * 32), replace(FACE, quality=None, box=None))
    )

    assert RecordedSearch.from_json(whole.to_json()) == whole
