"""APCER, BPCER and ACER as ISO/IEC 30107-3 has them, with presentations that have no answer."""

from pathlib import Path

import numpy as np
import pytest

from indexer.evaluation.attributes.liveness.answers import Answer
from indexer.evaluation.attributes.liveness.presentations import BONA_FIDE, Presentation
from indexer.evaluation.attributes.liveness.rates import auc, measure


def answers(kind: str, *scores: float | str) -> list[Answer]:
    """A score, or why there is none."""
    return [
        Answer(
            presentation=Presentation(kind=kind, file=Path(f"{kind}-{number}.jpg")),
            scores={} if isinstance(score, str) else {"live": score},
            why_none=score if isinstance(score, str) else None,
        )
        for number, score in enumerate(scores)
    ]


def test_the_worst_kind_of_attack_is_quoted() -> None:
    rates = measure(
        [
            *answers(BONA_FIDE, 0.9, 0.8, 0.7, 0.2),
            *answers("print", 0.1, 0.2, 0.3, 0.6),
            *answers("screen", 0.1, 0.7, 0.5, 0.9),
        ],
        "live",
        0.5,
    )

    assert rates.bpcer == 0.25
    assert rates.apcer == {"print": 0.25, "screen": 0.75}
    assert rates.worst_attack == "screen"
    assert rates.acer == 0.5


def test_no_answer_is_an_error_for_a_person_and_none_for_an_attack() -> None:
    rates = measure(
        [
            *answers(BONA_FIDE, 0.9, 0.9, "no_face", "too_small"),
            *answers("print", 0.1, 0.9, "no_face", "no_face"),
        ],
        "live",
        0.5,
    )

    assert (rates.bpcer, rates.bona_fide.error_of_answered) == (0.5, 0.0)
    assert (rates.apcer["print"], rates.attacks["print"].error_of_answered) == (0.25, 0.5)
    assert rates.bona_fide.unanswered == {"no_face": 1, "too_small": 1}
    assert rates.cannot_tell == 0.5


def test_rates_exist_where_no_presentation_has_an_answer() -> None:
    rates = measure([*answers(BONA_FIDE, "no_face"), *answers("print", "no_face")], "live", 0.5)

    assert (rates.bpcer, rates.apcer["print"], rates.acer, rates.auc) == (1.0, 0.0, 0.5, None)
    assert rates.bona_fide.error_of_answered is None


def test_an_interval_contains_its_rate_and_is_wide_at_a_rate_of_zero() -> None:
    rates = measure(
        [*answers(BONA_FIDE, *[0.9] * 20), *answers("print", *[0.1] * 15, *[0.9] * 5)], "live", 0.5
    )

    assert rates.bpcer_interval == pytest.approx((0.0, 0.139), abs=0.01)
    low, high = rates.apcer_intervals["print"] or (1.0, 0.0)
    assert low < 0.25 < high


def test_the_area_under_the_curve_counts_ties_half() -> None:
    people, attacks = np.array([0.9, 0.5, np.nan]), np.array([0.1, 0.5])

    assert auc(people, attacks) == pytest.approx((1 + 1 + 1 + 0.5) / 4)
