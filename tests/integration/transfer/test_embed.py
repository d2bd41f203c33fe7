"""The crops of an export are embedded by the model of this machine."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from indexer.concurrency import in_background, is_in_background
from indexer.pipeline.embed_crops import BATCH, Embedded, embed_batch
from indexer.pipeline.pipeline import Pipeline
from indexer.records.database.session import Database
from indexer.records.reindexes import StoredCrop
from indexer.transfer import embed, folder
from indexer.transfer.archive.contents import Contents
from indexer.transfer.archive.source import open_source
from indexer.transfer.embed import FromCrops
from tests.support.transfer.galleries import nobody, people


def test_each_crop_has_a_vector_or_a_reason_and_the_work_gives_way_to_requests(
    database: Database, pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(database, "staff")
    folder.to_folder(database, "staff", tmp_path / "export", progress=nobody)
    [group] = Contents.open(open_source(tmp_path / "export")).face_groups()
    background: list[bool] = []

    def observed(crops: Sequence[StoredCrop], pipeline: Pipeline) -> Embedded:
        background.append(is_in_background())
        return embed_batch(crops, pipeline)

    monkeypatch.setattr(embed, "embed_batch", observed)
    places = [place for place, crop in enumerate(group.crops) if crop is not None]
    with closing(FromCrops(pipeline)) as embedder, in_background():
        made = embedder(group, places)

    assert len(made) == len(places) > BATCH
    for vector, problem in made:
        assert (vector is None) == (problem is not None)
        if vector is not None:
            assert np.isclose(np.linalg.norm(np.frombuffer(vector, "<f4")), 1, atol=1e-3)
            assert len(vector) == 4 * pipeline.card.dimension
    assert len(background) == -(-len(places) // BATCH)
    assert all(background)
