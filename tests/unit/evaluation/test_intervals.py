"""Intervals by identity, against plain loops and against cases that can be worked out by hand."""

import numpy as np
import pytest

from indexer.evaluation.intervals import Tradeoff, draws, interval, none_seen


def test_the_images_of_a_person_are_drawn_together() -> None:
    people = np.array([7, 7, 3, 3, 3, 9])

    for weights in draws(people, 50, 0):
        assert weights[0] == weights[1]
        assert weights[2] == weights[3] == weights[4]
        assert weights[0] + weights[2] + weights[5] == 3, "as many people are drawn as there are"


def test_the_same_seed_gives_the_same_draws_and_another_seed_others() -> None:
    people = np.arange(20)

    def drawn(seed: int) -> list[list[int]]:
        return [weights.tolist() for weights in draws(people, 5, seed)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_threshold_of_weighted_searches_is_that_of_the_searches_repeated() -> None:
    rng = np.random.default_rng(0)
    scores = np.round(rng.random(60), 1).astype(np.float32)  # many ties
    tradeoff = Tradeoff(np.empty(0, np.float32), scores)
    for weights in draws(np.arange(60), 30, 3):
        repeated = np.repeat(scores, weights)
        for fpir in (0.01, 0.1, 0.25, 0.5):
            allowed = [t for t in repeated if (repeated > t).mean() <= fpir]
            assert tradeoff.threshold(weights, fpir) == min(allowed)


def test_a_threshold_is_the_lowest_that_few_enough_strangers_exceed() -> None:
    scores = np.linspace(0, 1, 101).astype(np.float32)

    limit = Tradeoff(scores, scores).threshold(np.ones(101, np.int64), 0.1)

    assert (scores > limit).mean() <= 0.1 < (scores >= limit).mean() + 0.01


def test_a_person_drawn_twice_counts_twice() -> None:
    tradeoff = Tradeoff(np.array([0.9, 0.5, -np.inf], np.float32), np.array([0.6], np.float32))

    assert tradeoff.found(np.array([1, 1, 1])) == pytest.approx(2 / 3)
    assert tradeoff.found(np.array([1, 1, 1]), 0.5) == pytest.approx(1 / 3), "strictly above"
    assert tradeoff.found(np.array([3, 0, 1]), 0.6) == pytest.approx(3 / 4)
    assert np.isnan(tradeoff.found(np.array([0, 0, 0])))


def test_an_interval_covers_the_rate_in_nineteen_of_twenty_worlds() -> None:
    """400 people of one image each, a true rate of 0.3."""
    rng = np.random.default_rng(5)
    covered = 0
    for world in range(100):
        hits = np.where(rng.random(400) < 0.3, 1.0, -np.inf).astype(np.float32)
        tradeoff = Tradeoff(hits, np.zeros(1, np.float32))
        bounds = interval([tradeoff.found(weights) for weights in draws(np.arange(400), 200, world)])
        assert bounds is not None
        covered += bounds[0] <= 0.3 <= bounds[1]

    assert 88 <= covered <= 100


def test_more_images_of_the_same_people_hardly_narrow_an_interval() -> None:
    hits = np.where(np.arange(40) < 20, 1.0, -np.inf).astype(np.float32)

    def width(copies: int) -> float:
        tradeoff = Tradeoff(np.tile(hits, copies), np.zeros(1, np.float32))
        people = np.tile(np.arange(40), copies)
        bounds = interval([tradeoff.found(weights) for weights in draws(people, 300, 0)])
        assert bounds is not None
        return bounds[1] - bounds[0]

    assert width(25) == pytest.approx(width(1))


def test_nothing_to_measure_has_no_interval() -> None:
    assert interval([]) is None
    assert interval([float("nan")]) is None


def test_no_case_among_a_hundred_people_leaves_three_percent_possible() -> None:
    assert none_seen(100) == pytest.approx((0, 0.0295), abs=1e-4)
    assert none_seen(0) == pytest.approx((0, 0.95))
