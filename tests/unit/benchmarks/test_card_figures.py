"""The figures of a card come from several sets, and their ranges hold what each of them measured."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.card_figures import curve, figures
from indexer.calibration.threshold.card_curve import CardCurve
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.embedding.catalog import sface
from indexer.types import Vectors


def people(count: int, common: float, seed: int) -> Vectors:
    """Vectors of `count` people; the weight of a direction that all share raises strangers' scores."""
    vectors = np.random.default_rng(seed).standard_normal((count, 64)) / 8
    vectors[:, 0] += common
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def curves() -> list[MeasuredCurve]:
    return [curve(people(400, common, seed), likely=0.95) for seed, common in enumerate((0.3, 0.4))]


def test_a_score_is_between_those_of_the_sets_and_its_range_holds_both(curves: list[MeasuredCurve]) -> None:
    made = figures(curves)

    rates = [rate for rate, _ in made["score_at_fmr"]]
    assert 0.01 in rates
    for (rate, score), (low, high) in zip(made["score_at_fmr"], made["fmr_ranges"], strict=True):
        lower, higher = (measured.estimate(score, 1).fpir for measured in curves)
        assert low <= lower < rate < higher <= high <= 3 * rate


def test_rates_end_where_the_sets_differ_by_too_much_or_have_too_few_pairs(
    curves: list[MeasuredCurve],
) -> None:
    apart = [curves[0], curve(people(400, 0.9, 7), likely=0.99)]

    assert figures(curves)["score_at_fmr"][-1][0] >= 1e-5, "400 people are 80,000 pairs"
    assert len(figures(apart)["score_at_fmr"]) < len(figures(curves)["score_at_fmr"])


def test_an_estimate_by_such_a_card_has_the_range_of_the_sets_as_its_interval(
    curves: list[MeasuredCurve],
) -> None:
    made = figures(curves)
    card = replace(
        sface(mirror=True),
        score_at_fmr=tuple(made["score_at_fmr"]),
        fmr_ranges=tuple(made["fmr_ranges"]),
    )

    threshold = CardCurve(card).threshold(0.01, 10)
    estimate = CardCurve(card).estimate(threshold, 10)

    assert estimate.trusted
    assert estimate.interval is not None
    low, high = estimate.interval
    for measured in curves:
        assert low <= measured.estimate(threshold, 10).fpir <= high
