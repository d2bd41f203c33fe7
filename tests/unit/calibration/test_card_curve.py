"""A lower rate or a larger gallery never lowers a card's threshold."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.calibration.threshold.card_curve import CardCurve, for_fmr, for_fpir
from indexer.embedding.catalog import sface

CARD = replace(
    sface(mirror=True),
    score_at_fmr=((0.5, 0.09), (0.01, 0.3), (0.0001, 0.43)),
    fmr_ranges=((0.4, 0.6), (0.007, 0.02), (0.00004, 0.00025)),
)
rates = st.floats(1e-12, 0.99)


@pytest.mark.parametrize(("rate", "score"), CARD.score_at_fmr)
def test_at_a_measured_rate_the_threshold_is_the_measured_score(rate: float, score: float) -> None:
    assert for_fmr(CARD, rate) == pytest.approx(score, abs=1e-6)


@given(a=rates, b=rates)
def test_a_lower_fmr_needs_a_higher_score(a: float, b: float) -> None:
    lower, higher = sorted((a, b))

    assert -1 <= for_fmr(CARD, higher) <= for_fmr(CARD, lower) <= 1


@given(fpir=st.floats(1e-6, 0.5), size=st.integers(0, 10**9), more=st.integers(0, 10**9))
def test_a_larger_gallery_needs_a_higher_score(fpir: float, size: int, more: int) -> None:
    assert for_fpir(CARD, fpir, size) <= for_fpir(CARD, fpir, size + more)


def test_fpir_in_a_gallery_of_one_face_is_fmr() -> None:
    assert for_fpir(CARD, 0.001, 1) == pytest.approx(for_fmr(CARD, 0.001))


def test_fpir_among_n_faces_is_about_n_times_the_fmr() -> None:
    """FPIR 1 % among a thousand faces is about FMR 1 in 100,000."""
    assert for_fpir(CARD, 0.01, 1000) == pytest.approx(for_fmr(CARD, 1e-5), abs=1e-3)


def test_at_a_measured_rate_the_interval_is_the_range_of_the_sets() -> None:
    among_one, among_ten = (CardCurve(CARD).estimate(0.43, faces) for faces in (1, 10))

    assert among_one.interval == pytest.approx((0.00004, 0.00025))
    assert among_ten.interval == pytest.approx((0.0004, 0.0025), rel=0.01)


@given(score=st.floats(-1, 1), faces=st.integers(0, 10**7))
def test_the_interval_holds_the_estimate_beyond_the_measured_rates_too(score: float, faces: int) -> None:
    estimate = CardCurve(CARD).estimate(score, faces)

    assert estimate.interval is not None
    low, high = estimate.interval
    assert 0 <= low <= estimate.fpir <= high <= 1


def test_a_card_that_was_measured_on_one_set_gives_no_interval() -> None:
    one_set = replace(CARD, fmr_ranges=())

    assert CardCurve(one_set).estimate(0.43, 10).interval is None
    assert CardCurve(one_set).estimate(0.43, 10).fpir == CardCurve(CARD).estimate(0.43, 10).fpir


def test_a_card_is_trusted_down_to_its_last_rate_and_no_further() -> None:
    """FPIR 1 % among a hundred faces is a rate of 0.0001."""
    curve = CardCurve(CARD)

    assert curve.estimate(curve.threshold(0.01, 100), 100).trusted
    assert not curve.estimate(curve.threshold(0.01, 120), 120).trusted
