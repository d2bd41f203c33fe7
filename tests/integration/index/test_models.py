"""Models other than the default one, from a photograph to a threshold."""

from dataclasses import replace
from typing import Any

import pytest

from indexer.calibration.threshold import card_curve as threshold
from indexer.embedding.catalog import dlib_resnet
from indexer.errors import ModelNotCalibrated
from indexer.records.database.session import Database
from indexer.replica.store import IndexStore
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline
from tests.support.pictures import jpeg, pixels


def test_dlibs_network_tells_people_apart_at_its_own_threshold(
    settings: Settings, hopper: bytes, collins: bytes
) -> None:
    """Its strangers score 0.85, which the default model calls one person."""
    smaller = jpeg(pixels(hopper)[::2, ::2])
    with open_pipeline(settings.model_copy(update={"model": "dlib-resnet"})) as pipeline:
        seen = [pipeline.detect(data, Stopwatch()).faces[0] for data in (hopper, smaller, collins)]
        one, again, other = pipeline.embed(seen, Stopwatch())

    assert seen[0].pictures[0].shape == (150, 150, 3)
    limit = threshold.for_fmr(pipeline.embedder.card, 0.001)
    assert one @ other < limit < one @ again


@pytest.mark.parametrize("lacking", ["score_at_fmr", "genuine_scores"])
def test_a_model_whose_scores_nobody_measured_does_not_serve(
    settings: Settings, database: Database, lacking: str
) -> None:
    lack: dict[str, Any] = {lacking: ()}
    card = replace(dlib_resnet(mirror=True), **lack)

    with pytest.raises(ModelNotCalibrated, match=card.fingerprint):
        IndexStore.of(settings, database, card)
