"""A curve that is fitted to impostor scores with known rates gives these rates, within its intervals."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.calibration.fitting import suspects
from indexer.calibration.fitting.fit import fit, fit_pairs
from indexer.calibration.fitting.impostors import Impostors, collect
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.errors import CalibrationUnsupported
from indexer.types import PersonScore
from tests.support.vectors import unit_vectors

DEVIATE = NormalDist().inv_cdf
MEAN, BETWEEN, SPREAD = 0.08, 0.02, 0.09
"""Of the scores: the mean, the standard deviation of the probes' means, and that of one probe's scores."""


def strangers(people: int, seed: int) -> Impostors:
    """Everyone is compared with all others. Scores are normal, and each probe has its own mean."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((people, people))
    np.fill_diagonal(z, -np.inf)
    limit = float(np.quantile(z[np.isfinite(z)], 0.98))
    probe, other = np.nonzero(z > limit)
    return Impostors(
        people=people,
        faces=people,
        probes=np.arange(people),
        mean=MEAN + BETWEEN * rng.standard_normal(people),
        spread=np.full(people, SPREAD),
        bulk=np.sort(z[np.isfinite(z)]),
        limit=limit,
        probe=probe,
        other=other,
        z=z[probe, other],
    )


def true_fpir(score: float, size: int) -> float:
    means = MEAN + BETWEEN * np.array([DEVIATE(p) for p in (np.arange(2000) + 0.5) / 2000])
    share = np.array([_above((score - mean) / SPREAD) for mean in means])
    return float(-np.expm1(size * np.log1p(-share)).mean())


def _above(z: float) -> float:
    return NormalDist().cdf(-z)


@pytest.fixture(scope="module")
def measured() -> MeasuredCurve:
    return fit(strangers(1000, 0))


@pytest.mark.parametrize(
    ("size", "fpir"), [(1, 0.1), (1, 0.001), (100, 0.1), (100, 0.01), (1000, 0.01), (5000, 0.1)]
)
def test_a_known_rate_is_estimated_below_and_beyond_the_measured_size(
    measured: MeasuredCurve, size: int, fpir: float
) -> None:
    threshold = measured.threshold(fpir, size)
    estimate = measured.estimate(threshold, size)

    assert estimate.trusted
    assert estimate.fpir == pytest.approx(fpir, rel=1e-3)
    assert estimate.interval is not None
    assert true_fpir(threshold, size) == pytest.approx(fpir, rel=0.35)
    assert estimate.interval[0] <= true_fpir(threshold, size) <= estimate.interval[1]


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """95 % of 30 is 28.5. Fewer than 26 would happen in one of a hundred such tests."""
    held = 0
    for seed in range(30):
        found = fit(strangers(300, 100 + seed), resamples=60)
        threshold = found.threshold(0.02, 1000)
        low, high = found.estimate(threshold, 1000).interval or (0, 0)
        held += low <= true_fpir(threshold, 1000) <= high

    assert held >= 26


def test_treating_the_comparisons_of_a_search_as_independent_gives_too_high_a_threshold(
    measured: MeasuredCurve,
) -> None:
    """A probe that resembles many people reaches the threshold many times, and is still one false alarm."""
    fmr = 1 - (1 - 0.1) ** (1 / 1000)

    assert measured.threshold(0.1, 1000) < measured.threshold(fmr, 1)


@settings(max_examples=200, deadline=None)
@given(
    fpir=st.floats(1e-6, 0.8),
    stricter=st.floats(0.01, 1.0),
    faces=st.integers(1, 10**8),
    more=st.integers(0, 10**8),
)
def test_a_lower_rate_or_a_larger_gallery_never_lowers_a_threshold(
    measured: MeasuredCurve, fpir: float, stricter: float, faces: int, more: int
) -> None:
    threshold = measured.threshold(fpir, faces)

    assert measured.threshold(fpir * stricter, faces) >= threshold - 1e-9
    assert measured.threshold(fpir, faces + more) >= threshold - 1e-9


def test_the_interval_widens_and_support_ends_beyond_the_measurement(measured: MeasuredCurve) -> None:
    widths = []
    for fpir in (0.1, 0.01, 0.001, 1e-4):
        low, high = measured.estimate(measured.threshold(fpir, 1000), 1000).interval or (0, 0)
        widths.append(high / low)

    assert widths == sorted(widths)
    assert 1e-4 < measured.least_fpir(1000) < 0.02
    assert not measured.estimate(measured.threshold(1e-4, 1000), 1000).trusted
    most = measured.most_faces(0.01)
    assert measured.least_fpir(most) <= 0.01 * 1.001
    assert measured.least_fpir(2 * most) > 0.01
    assert measured.most_faces(1e-7) == 0


def test_a_stored_curve_gives_the_same_answers_again(measured: MeasuredCurve) -> None:
    again = MeasuredCurve.from_json(measured.to_json())

    for size in (1, 777, 10**6):
        for fpir in (0.3, 0.01, 1e-5):
            assert again.threshold(fpir, size) == pytest.approx(measured.threshold(fpir, size), abs=1e-5)
            assert again.least_fpir(size) == pytest.approx(measured.least_fpir(size), rel=1e-4)


def test_too_few_people_or_pairs_are_rejected_with_their_number() -> None:
    with pytest.raises(CalibrationUnsupported, match="at least 100 people, not 60") as rejected:
        fit(strangers(60, 0))
    assert (rejected.value.details["measured"], rejected.value.details["limit"]) == (60, 100)
    with pytest.raises(CalibrationUnsupported, match="not 100"):
        fit_pairs(np.zeros(100))


def test_pairs_of_unknown_people_give_the_fmr() -> None:
    scores = np.random.default_rng(0).normal(MEAN, SPREAD, 100_000)
    found = fit_pairs(scores)

    for fmr in (0.1, 0.01, 0.001):
        assert found.threshold(fmr, 1) == pytest.approx(MEAN - SPREAD * DEVIATE(fmr), abs=0.005)


def people(count: int, seed: int, faces: int = 1) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit vectors: several faces a person, near one another."""
    rng = np.random.default_rng(seed)
    centres = np.repeat(rng.standard_normal((count, 64)), faces, axis=0)
    vectors = (centres + 0.3 * rng.standard_normal(centres.shape)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.repeat(np.arange(count), faces)


def test_nobody_is_compared_with_their_own_faces() -> None:
    """Two faces of one person score 0.9 here, and impostors never 0.7."""
    vectors, owners = people(200, 0, faces=3)
    shuffled = np.random.default_rng(1).permutation(len(vectors))

    found = collect(vectors[shuffled], owners[shuffled])

    assert (found.people, found.faces) == (200, 600)
    assert not (found.probes[found.probe] == found.other).any()
    assert found.scores.max() < 0.7


def test_a_persons_score_is_that_of_the_nearest_of_their_faces() -> None:
    vectors, owners = people(120, 2, faces=2)
    found = collect(vectors, owners)

    own = {int(p): [v for v, o in zip(vectors, owners, strict=True) if o == p] for p in range(120)}
    for place in np.random.default_rng(0).choice(len(found.z), 20, replace=False):
        probe, other = int(found.probes[found.probe[place]]), int(found.other[place])
        best = [max(float(a @ b) for b in own[other]) for a in own[probe]]
        assert any(score == pytest.approx(found.scores[place], abs=1e-5) for score in best)


def test_a_person_enrolled_under_two_names_is_reported_and_changes_no_threshold() -> None:
    vectors, owners = people(300, 3)
    clean = fit(collect(vectors, owners), resamples=20)
    twice = vectors.copy()
    twice[17] = vectors[203] * 0.9 + vectors[204] * 0.1
    twice[17] /= np.linalg.norm(twice[17])
    found = collect(twice, owners)

    suspected = suspects.find(found, 0.6)
    named = {
        frozenset((int(found.probes[found.probe[p]]), int(found.other[p]))) for p in np.flatnonzero(suspected)
    }

    assert named == {frozenset((17, 203))}
    robust = fit(found, suspected=suspected, resamples=20)
    assert robust.suspected == suspected.sum()
    assert robust.threshold(0.01, 300) == pytest.approx(clean.threshold(0.01, 300), abs=0.01)


@given(seed=st.integers(0, 1_000), faces=st.lists(st.integers(1, 4), min_size=3, max_size=30))
@settings(max_examples=20, deadline=None)
def test_fused_scores_of_strangers_are_those_of_a_search(seed: int, faces: list[int]) -> None:
    """Every comparison, by the mean and the spread of each probe and the listed ones."""
    people = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(faces)), faces))
    vectors = unit_vectors(seed, len(people), 16)

    found = collect(vectors, people, PersonScore.FUSED, seed=seed)

    plain = collect(vectors, people, seed=seed)
    scores = np.empty((len(faces), len(faces)))
    order = np.argsort(people, kind="stable")
    starts = np.cumsum([0, *faces[:-1]])
    rows = starts + np.random.default_rng(seed).integers(0, np.array(faces))
    for probe, row in enumerate(rows):
        for other, (start, count) in enumerate(zip(starts, faces, strict=True)):
            own = vectors[order[start : start + count]].astype(np.float64)
            nearest = float((own @ vectors[order[row]]).max())
            mean = own.sum(axis=0) / np.linalg.norm(own.sum(axis=0))
            fused = (nearest + float(mean @ vectors[order[row]])) / 2
            scores[probe, other] = fused if count > 1 else nearest
    np.fill_diagonal(scores, 0)
    np.testing.assert_allclose(found.mean, scores.sum(axis=1) / (len(faces) - 1), atol=1e-5)
    np.testing.assert_allclose(found.scores, scores[found.probe, found.other], atol=1e-4)
    assert np.array_equal(found.probes, plain.probes)
