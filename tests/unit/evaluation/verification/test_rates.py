import dataclasses
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import InvalidRequest
from indexer.evaluation.intervals import draws, interval
from indexer.evaluation.lfw import Pair
from indexer.evaluation.verification.rates import (
    Trials,
    best_threshold,
    compare,
    equal_error_rate,
    fold_accuracies,
    measure,
    roc,
    tar_at_far,
    tar_intervals,
)
from indexer.pipeline.embed_files import NO_SCORE, Embeddings


def trials(matched: list[float], mismatched: list[float]) -> Trials:
    """Dealt to two folds in turn."""
    count = len(matched) + len(mismatched)
    return Trials(
        scores=np.array(matched + mismatched, np.float32),
        matched=np.arange(count) < len(matched),
        folds=np.arange(count) % 2,
    )


def random_trials(seed: int, *, decimals: int = 8) -> Trials:
    """400 pairs in ten folds whose kinds overlap; few decimals make ties."""
    random = np.random.default_rng(seed)
    matched = np.arange(400) % 2 == 0
    scores = np.round(random.normal(np.where(matched, 0.5, 0.1), 0.2), decimals).clip(-0.9, 1)
    scores[random.random(400) < 0.05] = NO_SCORE
    return Trials(scores=scores.astype(np.float32), matched=matched, folds=np.arange(400) // 40)


def accuracy_by_loop(scores: list[float], matched: list[bool], threshold: float) -> float:
    right = sum((score >= threshold) == same for score, same in zip(scores, matched, strict=True))
    return right / len(scores)


@pytest.mark.parametrize("decimals", [8, 1])
def test_each_fold_is_judged_at_the_threshold_that_is_best_on_the_others(decimals: int) -> None:
    given = random_trials(1, decimals=decimals)
    rows = list(zip(given.scores.tolist(), given.matched.tolist(), given.folds.tolist(), strict=True))
    expected = []
    for tested in range(10):
        scores = [score for score, _, fold in rows if fold != tested]
        matched = [same for _, same, fold in rows if fold != tested]
        best, best_accuracy = np.inf, accuracy_by_loop(scores, matched, np.inf)
        for threshold in sorted(set(scores) - {NO_SCORE}, reverse=True):
            if (accuracy := accuracy_by_loop(scores, matched, threshold)) > best_accuracy + 1e-12:
                best, best_accuracy = threshold, accuracy
        scores = [score for score, _, fold in rows if fold == tested]
        matched = [same for _, same, fold in rows if fold == tested]
        expected.append(accuracy_by_loop(scores, matched, best))

    assert fold_accuracies(given) == pytest.approx(expected)

    result = measure(given, undetected=3, seconds=1.5, model="m")
    mean = sum(expected) / 10
    variance = sum((accuracy - mean) ** 2 for accuracy in expected) / 9
    assert result.accuracy == pytest.approx(mean)
    assert result.accuracy_se == pytest.approx((variance / 10) ** 0.5)
    assert (result.pairs, result.undetected, result.seconds, result.model) == (400, 3, 1.5, "m")


@pytest.mark.parametrize("far", [0.001, 0.01, 0.1, 0.5])
@pytest.mark.parametrize("decimals", [8, 1])
def test_tar_is_measured_at_the_lowest_score_that_few_enough_impostors_reach(
    far: float, decimals: int
) -> None:
    given = random_trials(2, decimals=decimals)
    matched, mismatched = given.scores[given.matched], given.scores[~given.matched]
    allowed = [t for t in given.scores.tolist() if sum(s >= t for s in mismatched) / len(mismatched) <= far]
    threshold = min(allowed, default=np.inf)

    assert tar_at_far(roc(given), far) == sum(s >= threshold for s in matched) / len(matched)


def test_the_curve_has_one_point_per_distinct_score_and_ends_with_all_pairs_accepted() -> None:
    curve = roc(trials([0.9, 0.5, 0.5], [0.5, 0.1]))

    assert curve.thresholds == pytest.approx([np.inf, 0.9, 0.5, 0.1])
    assert curve.tar == pytest.approx([0, 1 / 3, 1, 1])
    assert curve.far == pytest.approx([0, 0, 1 / 2, 1])


def test_separable_scores_have_no_errors() -> None:
    given = trials([0.6, 0.6, 0.9, 0.9], [0.1, 0.2, 0.3, 0.4])
    result = measure(given, undetected=0, seconds=0, model="m")

    assert (result.accuracy, result.accuracy_se, result.eer) == (1, 0, 0)
    assert result.tar_at_far == {"0.01": 1, "0.001": 1}


def test_uninformative_scores_have_an_equal_error_rate_of_a_half() -> None:
    assert equal_error_rate(roc(trials([0.5] * 4, [0.5] * 6))) == 0.5


def test_inverted_scores_have_an_equal_error_rate_of_one() -> None:
    assert equal_error_rate(roc(trials([0.1, 0.2], [0.8, 0.9]))) == 1


def test_the_equal_error_rate_is_where_the_two_error_rates_cross() -> None:
    # At 0.6 one of four matched pairs is rejected and one of four mismatched accepted.
    assert equal_error_rate(roc(trials([0.9, 0.8, 0.6, 0.3], [0.7, 0.2, 0.1, 0.0]))) == 0.25


def test_the_equal_error_rate_lies_between_the_thresholds_around_the_crossing() -> None:
    given = random_trials(3)
    matched, mismatched = given.scores[given.matched], given.scores[~given.matched]
    crossing = max(t for t in given.scores.tolist() if (mismatched >= t).mean() >= (matched < t).mean())
    stricter = min(t for t in given.scores.tolist() if t > crossing)

    eer = equal_error_rate(roc(given))

    rounding = 1e-9
    assert (mismatched >= stricter).mean() - rounding <= eer <= (mismatched >= crossing).mean() + rounding
    assert (matched < crossing).mean() - rounding <= eer <= (matched < stricter).mean() + rounding


def test_a_pair_with_an_undetected_face_is_rejected() -> None:
    files = tuple(Path(name) for name in "abc")
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 0]], np.float32)
    embeddings = Embeddings(files=files, vectors=vectors, found=np.array([True, True, False]))
    a, b, c = files
    pairs = [
        Pair(first=a, second=b, matched=True, fold=0),
        Pair(first=a, second=c, matched=True, fold=0),
        Pair(first=c, second=b, matched=False, fold=1),
        Pair(first=c, second=c, matched=True, fold=1),
    ]

    given = compare(embeddings, pairs)

    assert given.scores == pytest.approx([0.6, NO_SCORE, NO_SCORE, NO_SCORE])
    assert given.matched.tolist() == [True, True, False, True]
    assert given.folds.tolist() == [0, 0, 1, 1]
    assert embeddings.undetected == 1


def test_no_threshold_accepts_pairs_without_a_score() -> None:
    # Accepting everybody would be right for four of five.
    given = trials([NO_SCORE] * 4, [NO_SCORE])

    assert best_threshold(given) == np.inf
    assert fold_accuracies(trials([NO_SCORE] * 4, [NO_SCORE] * 2)).mean() == pytest.approx(1 / 3)
    assert tar_at_far(roc(given), 0.01) == 0


def test_pairs_of_one_kind_or_one_fold_are_rejected() -> None:
    with pytest.raises(InvalidRequest, match="matched and mismatched"):
        roc(trials([0.5, 0.6], []))
    with pytest.raises(InvalidRequest, match="at least two folds"):
        fold_accuracies(
            Trials(
                scores=np.zeros(2, np.float32), matched=np.array([True, False]), folds=np.zeros(2, np.int64)
            )
        )


def test_the_interval_of_the_accept_rate_equals_that_of_repeated_pairs() -> None:
    rng = np.random.default_rng(4)
    given = random_trials(4, decimals=1)
    people = rng.integers(0, 30, (400, 2))
    people[given.matched, 1] = people[given.matched, 0]
    given = dataclasses.replace(given, people=people)

    expected: dict[float, list[float]] = {0.01: [], 0.001: []}
    for drawn in draws(np.arange(30), 40, 0):
        times = [
            int(drawn[a] if same else drawn[a] * drawn[b])
            for (a, b), same in zip(people, given.matched, strict=True)
        ]
        repeated = given.where(np.repeat(np.arange(400), times))
        for far, tars in expected.items():
            tars.append(tar_at_far(roc(repeated), far))

    found = tar_intervals(given, resamples=40)
    for far, tars in expected.items():
        assert found[str(far)] == pytest.approx(interval(tars))
    assert tar_intervals(random_trials(4))["0.01"] is None, "nobody knows whose the pairs are"
