"""What a quality figure predicts of searches."""

import numpy as np
import pytest

from benchmarks.quality.figures import auc, miss_rates, search, threshold, worst
from indexer.evaluation.open_set import split_labels


def test_the_area_is_1_where_the_missed_have_the_lowest_values_and_a_half_where_all_are_equal() -> None:
    missed = np.array([True, True, False, False, False])

    assert auc(np.array([0.1, 0.2, 0.3, 0.4, 0.5]), missed) == 1
    assert auc(np.array([0.5, 0.4, 0.3, 0.2, 0.1]), missed) == 0
    assert auc(np.ones(5), missed) == 0.5
    assert auc(np.array([0.1, 0.4, 0.3, 0.4, 0.5]), missed) == pytest.approx(4.5 / 6)


def test_the_worst_are_the_lowest_values_and_as_many_as_their_share() -> None:
    values = np.array([0.5, 0.1, 0.9, 0.3])

    assert worst(values, 0.5).tolist() == [False, True, False, True]
    assert not worst(values, 0.0).any()


def test_rates_of_misses_never_rise_with_the_value_and_keep_their_mean() -> None:
    values = np.array([0.1] * 10 + [0.3] * 10 + [0.5] * 20 + [0.9] * 10)
    missed = np.array([True] * 9 + [False] + [True] * 2 + [False] * 8 + [True] * 10 + [False] * 20)

    rates = miss_rates(values, missed, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))

    assert [value for value, _ in rates] == pytest.approx([0.1, 0.3, 0.5, 0.9])
    assert [rate for _, rate in rates] == pytest.approx([0.9, 0.4, 0.4, 0.0])


def test_a_probe_is_missed_below_the_threshold_or_behind_somebody_else() -> None:
    east, north, between = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]], np.float32)
    gallery = np.stack([east, north])

    outcomes = search(
        gallery, np.stack([east, between, -east]), np.array([0, 1, 0]), np.stack([between, -north]), 0.5
    )

    assert outcomes.missed.tolist() == [False, True, True]
    assert outcomes.alarms.tolist() == [True, False]


def test_above_the_threshold_is_the_requested_share_of_strangers() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((450, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    roles = split_labels(np.array([*np.arange(50).repeat(2), *range(50, 400)], np.int64))

    above = threshold(vectors, roles, 0.1)

    highest = (vectors[roles.nonmated] @ vectors[roles.gallery].T).max(axis=1)
    assert np.mean(highest > above) == pytest.approx(0.1)
