"""A lower rate or a larger gallery never lowers a card's threshold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.calibration.threshold.card_curve import for_fmr, for_fpir
from indexer.embedding.catalog import sface

CARD = sface(mirror=True)
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
