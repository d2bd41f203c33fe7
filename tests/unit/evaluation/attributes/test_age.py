"""The figures of age and gender count every picture: those without a face, and those without an answer."""

from pathlib import Path

import pytest

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.evaluation.attributes.age import Answer, measure
from indexer.evaluation.attributes.age_labels import Labelled


def label(years: float, gender: str | None = "female") -> Labelled:
    return Labelled(file=Path("a.jpg"), first_year=years, last_year=years, group="all", gender=gender)


def years(value: float) -> Estimate:
    return Estimate(value=value, confidence=0.95, unit="years", interval=(value - 5, value + 5))


def gender(value: str) -> Estimate:
    return Estimate(value=value, confidence=0.9)


def test_errors_are_of_estimated_values_and_missing_values_are_counted() -> None:
    result = measure(
        [
            Answer(label(30), years(34.0), gender("female")),
            Answer(label(40), years(30.0), gender("male")),
            Answer(label(50), Estimate.nothing(CannotTell.TOO_DARK), Estimate.nothing(CannotTell.TOO_DARK)),
            Answer(label(60), None, None),
            Answer(label(20, None), years(20.0), gender("male")),
        ]
    )

    assert result.all.pictures == 5
    assert result.all.undetected == 1
    assert result.all.ages_estimated == 3
    assert result.all.mae_years == pytest.approx(14 / 3)
    assert result.all.bias_years == pytest.approx(-2.0)
    assert result.all.in_interval == pytest.approx(2 / 3)
    assert (result.all.gender_labelled, result.all.genders_estimated) == (4, 2)
    assert result.all.gender_accuracy == 0.5
    assert result.cannot_tell["age"] == {"no_face": 0.2, "too_dark": 0.2}
    assert result.groups["female"].pictures == 4
