"""Rates by group at known angles, worked out by hand."""

import numpy as np
import pytest

from indexer.errors import InvalidRequest
from indexer.evaluation.fairness import rates as fairness
from indexer.evaluation.fairness.rates import FairnessResult
from indexer.types import Vectors


def at(*degrees: float) -> Vectors:
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def measured(vectors: Vectors, people: list[int], groups: list[str], **options: object) -> FairnessResult:
    found = options.get("found", np.ones(len(people), np.bool_))
    return fairness.measure(
        vectors,
        np.asarray(found, np.bool_),
        np.array(people),
        groups,
        threshold=float(np.cos(np.radians(20))),
        threshold_fmr=None,
        seconds=0,
        model="m",
    )


def test_every_person_counts_once_with_any_number_of_images() -> None:
    # Within 20 degrees is a match. Person 0: pairs 0-10 yes, 0-40 no, 10-40 no. Person 1: 90-100 yes.
    result = measured(at(0, 10, 40, 90, 100), [0, 0, 0, 1, 1], ["a"] * 5)

    [group] = result.groups
    assert group.fnmr == pytest.approx((2 / 3 + 0) / 2)
    assert (group.people, group.images, group.genuine_pairs, group.impostor_pairs) == (2, 5, 4, 6)
    assert group.fmr == 0
    assert group.fmr_interval == pytest.approx((0, 0.95)), "one pair of people proves next to nothing"


def test_every_pair_of_people_counts_once_and_only_within_its_group() -> None:
    # a: 0 and 1 share one of two image pairs, 0 and 2 none, 1 and 2 none. b: both pairs of one image match.
    vectors = at(0, 10, 50, 180, 0, 5)
    result = measured(vectors, [0, 1, 1, 2, 3, 4], ["a", "a", "a", "a", "b", "b"])

    a, b = result.groups
    assert a.fmr == pytest.approx((1 / 2 + 0 + 0) / 3)
    assert b.fmr == 1
    assert result.fmr_ratio is not None
    assert (result.fmr_ratio.worst, result.fmr_ratio.best) == ("b", "a")
    assert result.fmr_ratio.ratio == pytest.approx(6)
    assert b.fnmr is None, "nobody of b has two images"
    assert result.fnmr_ratio is None, "one group alone has the rate"


def test_an_undetected_face_never_matches_and_counts() -> None:
    result = measured(at(0, 0, 90), [0, 0, 1], ["a"] * 3, found=[True, False, True])

    [group] = result.groups
    assert (group.fnmr, group.undetected) == (1, 1)


def test_a_ratio_to_a_group_without_errors_is_none() -> None:
    result = measured(at(0, 5, 100, 160), [0, 1, 2, 3], ["a", "a", "b", "b"])

    assert result.fmr_ratio is not None
    assert (result.fmr_ratio.worst, result.fmr_ratio.best, result.fmr_ratio.ratio) == ("a", "b", None)


@pytest.mark.parametrize("block", [1, 3, 512])
def test_rates_are_those_of_plain_loops(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(fairness, "_BLOCK", block)
    rng = np.random.default_rng(0)
    people = rng.integers(0, 12, 50)
    vectors = rng.standard_normal((50, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    groups = ["even" if person % 2 == 0 else "odd" for person in people]
    result = measured(vectors, people.tolist(), groups)

    limit = result.threshold
    for group in result.groups:
        own = [p for p in range(12) if (p % 2 == 0) == (group.group == "even") and p in people]
        shares, fails = [], []
        for i, one in enumerate(own):
            rows = np.flatnonzero(people == one)
            pairs = [(a, b) for n, a in enumerate(rows) for b in rows[n + 1 :]]
            if pairs:
                fails.append(np.mean([vectors[a] @ vectors[b] < limit for a, b in pairs]))
            for other in own[i + 1 :]:
                others = np.flatnonzero(people == other)
                shares.append(np.mean([vectors[a] @ vectors[b] >= limit for a in rows for b in others]))
        assert group.fmr == pytest.approx(np.mean(shares))
        assert group.fnmr == pytest.approx(np.mean(fails))
        assert group.fmr_interval is not None
        assert group.fmr_interval[0] < np.mean(shares) < group.fmr_interval[1]


def test_the_threshold_is_the_lowest_that_few_enough_pairs_of_people_reach() -> None:
    # Four people of one image; the six pairs lie 10, 20, 30, 30, 50 and 60 degrees apart.
    vectors, people = at(0, 10, 30, 60), np.arange(4)
    found = np.ones(4, np.bool_)

    def degrees(fmr: float) -> float:
        limit = fairness.threshold_at(vectors, found, people, fmr)
        return float(np.degrees(np.arccos(limit)))

    assert degrees(1 / 6) == pytest.approx(20, abs=0.1), "just above the pair at 20"
    assert degrees(2 / 6) == pytest.approx(30, abs=0.1)
    with pytest.raises(InvalidRequest, match="two people"):
        fairness.threshold_at(vectors, found, np.zeros(4, np.int64), 0.1)
