"""What counts as right, and what as wrong."""

from pathlib import Path

import numpy as np
import pytest

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.heads.expression import EXPRESSIONS
from indexer.evaluation.attributes.expression.data import LabelledPicture
from indexer.evaluation.attributes.expression.outcomes import Outcome
from indexer.evaluation.attributes.expression.rates import columns, measure
from indexer.evaluation.attributes.shares import CANNOT_TELL, NO_FACE, calibration_error


def outcome(expression: str, answer: str, person: str = "a", confidence: float = 0.8) -> Outcome:
    picture = LabelledPicture(file=Path(f"{person}_1.png"), expression=expression, person=person)
    estimate = None
    if answer == CANNOT_TELL:
        estimate = Estimate.nothing(CannotTell.UNDECIDED)
    elif answer != NO_FACE:
        estimate = Estimate(value=answer, confidence=confidence)
    return Outcome(picture=picture, answer=answer, estimate=estimate)


PEOPLE = "abcdefgh"


def test_a_picture_without_a_face_or_without_a_value_counts_as_wrong() -> None:
    answers = ("fear", "anger", CANNOT_TELL, NO_FACE)

    result = measure([outcome("fear", answer) for answer in answers], EXPRESSIONS, seconds=1, model="m")

    assert result.accuracy == 0.25
    assert result.accuracy_when_decided == 0.5
    assert (result.cannot_tell, result.no_face) == (0.25, 1)
    assert result.cannot_tell_reasons == {"undecided": 1}
    assert sum(result.confusion["fear"].values()) == len(answers)


def test_pictures_of_an_expression_that_the_network_does_not_know_stay_in_the_denominator() -> None:
    result = measure(
        [outcome("fear", "fear"), outcome("contempt", "neutral")], EXPRESSIONS, seconds=1, model="m"
    )

    assert (result.accuracy, result.accuracy_of_known) == (0.5, 1.0)
    assert result.balanced_accuracy == 0.5
    assert result.unknown == ("contempt",)
    assert result.confusion["contempt"]["neutral"] == 1


def test_balanced_accuracy_is_the_mean_over_expressions() -> None:
    many = [outcome("happiness", "happiness") for _ in range(9)]

    result = measure([*many, outcome("fear", "anger")], EXPRESSIONS, seconds=1, model="m")

    assert (result.accuracy, result.balanced_accuracy) == (0.9, 0.5)


def test_an_interval_is_as_wide_as_people_are_few_and_not_pictures() -> None:
    each = [outcome("fear", "fear" if n % 2 else "anger", person=name) for n, name in enumerate(PEOPLE)]

    few = measure(each, EXPRESSIONS, seconds=1, model="m")
    repeated = measure(each * 10, EXPRESSIONS, seconds=1, model="m")

    assert few.people == repeated.people == len(PEOPLE)
    assert few.accuracy_interval == repeated.accuracy_interval
    assert few.accuracy_interval is not None
    assert few.accuracy_interval[0] < 0.3 < 0.7 < few.accuracy_interval[1]


def test_an_accuracy_of_one_has_an_interval_of_its_own() -> None:
    result = measure(
        [outcome("fear", "fear", person=name) for name in PEOPLE], EXPRESSIONS, seconds=1, model="m"
    )

    assert result.accuracy_interval is not None
    assert result.accuracy_interval[0] < 0.8
    assert result.accuracy_interval[1] == 1


def test_confidence_is_calibrated_if_such_values_are_right_as_often() -> None:
    right = np.array([True] * 8 + [False] * 2)

    assert calibration_error(np.full(10, 0.8), right) == pytest.approx(0)
    assert calibration_error(np.full(10, 1.0), right) == pytest.approx(0.2)


def test_columns_without_pictures_are_left_out_except_expressions() -> None:
    assert "cannot_tell" in columns(
        measure([outcome("fear", CANNOT_TELL)], EXPRESSIONS, seconds=1, model="m")
    )
    shown = columns(measure([outcome("fear", "fear")], EXPRESSIONS, seconds=1, model="m"))
    assert "cannot_tell" not in shown
    assert "neutral" in shown
