"""A card is validated when it is read, because its figures set thresholds."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from indexer.calibration.threshold.card_curve import CardCurve, for_fmr
from indexer.embedding.card import ModelCard
from indexer.embedding.card_file import read_onnx
from indexer.errors import CardUnusable, WeightsMissing
from indexer.pipeline.models import check_calibrated
from tests.unit.embedding.test_onnx import CARD, network

SCORES = [[0.5, 0.1], [0.01, 0.3], [0.001, 0.4]]
RANGES = [[0.4, 0.6], [0.005, 0.02], [0.0004, 0.003]]
GENUINE = [0.1, 0.6, 0.9]


def read(folder: Path, written: bytes) -> ModelCard:
    if not (folder / "means.onnx").exists():
        network(folder / "means.onnx")
    (folder / "means.json").write_bytes(written)
    return read_onnx(folder / "means.onnx", mirror=True)


def check_usable(card: ModelCard) -> None:
    """Computes every threshold and rate that serving may need."""
    if not card.score_at_fmr or not card.genuine_scores:
        return
    check_calibrated(card)
    curve = CardCurve(card)
    for faces in (0, 1, 1000, 10**9):
        for fpir in (1e-9, 0.001, 0.01, 0.5, 0.999):
            assert -1 <= curve.threshold(fpir, faces) <= 1
            assert curve.most_faces(fpir) >= 0
        for score in (-1.0, 0.0, 0.5, 1.0):
            estimate = curve.estimate(score, faces)
            low, high = estimate.interval or (estimate.fpir, estimate.fpir)
            assert 0 <= low <= estimate.fpir <= high <= 1
    assert for_fmr(card, 0.5) <= for_fmr(card, 1e-9)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"score_at_fmr": [[0.5, 0.1]]}, "score_at_fmr: .*two points"),
        ({"score_at_fmr": [[0.001, 0.4], [0.5, 0.1]]}, "score_at_fmr: .*rates must fall"),
        ({"score_at_fmr": [[0.5, 0.4], [0.001, 0.1]]}, "score_at_fmr: .*scores rise"),
        ({"score_at_fmr": [[0.5, 0.4], [0.001, 0.4]]}, "score_at_fmr: .*scores rise"),
        ({"score_at_fmr": [[0.5, 0.4], [0.5, 0.5]]}, "score_at_fmr: .*rates must fall"),
        ({"score_at_fmr": [[0.5, 0.4], [0, 0.5]]}, r"score_at_fmr\.1\.0"),
        ({"score_at_fmr": [[1, 0.4], [0.5, 0.5]]}, r"score_at_fmr\.0\.0"),
        ({"score_at_fmr": [[0.5, 0.4], [0.1, 1.5]]}, r"score_at_fmr\.1\.1"),
        ({"score_at_fmr": [[0.5, 0.4, 0.5], [0.1, 0.5]]}, r"score_at_fmr\.0"),
        ({"score_at_fmr": [[0.5, 0.4], [0.1, math.nan]]}, "score_at_fmr|the card"),
        ({"score_at_fmr": SCORES, "fmr_ranges": [[0.4, 0.6]]}, "one range for each point"),
        ({"score_at_fmr": SCORES, "fmr_ranges": [[0.6, 0.7], *RANGES[1:]]}, "0.5 is not in the range"),
        ({"score_at_fmr": SCORES, "fmr_ranges": [*RANGES[:2], [0.001, 0.03]]}, "must fall with the rates"),
        ({"fmr_ranges": RANGES}, "one range for each point"),
        ({"fmr_ranges": [[0, 0.5]]}, r"fmr_ranges\.0\.0"),
        ({"genuine_scores": [0.5, 0.4]}, "genuine_scores: .*must not fall"),
        ({"genuine_scores": [0.5]}, "genuine_scores: .*two quantiles"),
        ({"genuine_scores": [0.5, 7]}, r"genuine_scores\.1"),
        ({"genuine_scores": [0.5] * 100_000}, "genuine_scores"),
        ({"file": "a\0b"}, "file"),
        ({"mean": [1e308, 0, 0]}, r"mean\.0"),
        ({"std": [1e-300, 1, 1]}, r"std\.0"),
    ],
)
def test_a_card_with_impossible_figures_is_rejected_when_it_is_read(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(CardUnusable, match=reason):
        read(tmp_path, json.dumps(CARD | changes).encode())


def test_a_card_with_measured_scores_is_read(tmp_path: Path) -> None:
    figures = {"score_at_fmr": SCORES, "fmr_ranges": RANGES, "genuine_scores": GENUINE}
    card = read(tmp_path, json.dumps(CARD | figures).encode())

    assert card.score_at_fmr == ((0.5, 0.1), (0.01, 0.3), (0.001, 0.4))
    assert card.fmr_ranges == ((0.4, 0.6), (0.005, 0.02), (0.0004, 0.003))
    check_usable(card)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)
numbers = st.floats(-1.5, 1.5) | st.floats(0, 1e-6) | st.sampled_from([0, 1, -1, 1e-12, 0.999, 1e308, 5e-324])
tables = st.lists(st.tuples(numbers, numbers), max_size=5).map(
    lambda points: [
        *zip(sorted((p[0] for p in points), reverse=True), sorted(p[1] for p in points), strict=True)
    ]
)
cards = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys((*CARD, "file", "architecture", "training", "other"), anything)
    | {
        "score_at_fmr": tables | st.lists(st.lists(numbers, max_size=3), max_size=4) | anything,
        "fmr_ranges": tables | anything,
        "genuine_scores": st.lists(numbers, max_size=5).map(sorted) | anything,
    },
).map(lambda changes: CARD | {"score_at_fmr": SCORES, "genuine_scores": GENUINE} | changes)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=cards.map(json.dumps).map(str.encode) | anything.map(json.dumps).map(str.encode) | st.binary())
@example(written=b"[" * 100_000)
@example(written=b'{"name": "\\ud800"}')
@example(written=json.dumps(CARD | {"score_at_fmr": [[1e-12, 0.1], [1.0000001e-12, 0.2]]}).encode())
def test_any_file_is_a_usable_card_or_is_rejected(tmp_path: Path, written: bytes) -> None:
    try:
        card = read(tmp_path, written)
    except (CardUnusable, WeightsMissing):  # the card names a file that does not exist
        return
    check_usable(card)
