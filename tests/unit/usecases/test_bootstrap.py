"""Pipelines as the command line opens them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from indexer.settings import Settings
from indexer.usecases.bootstrap import default_card, open_pipeline_factory


def test_a_reindex_may_embed_in_more_threads_than_requests_may_wait() -> None:
    settings = Settings(threads=1, embedder_threads=1)
    faces = np.zeros((8, 112, 112, 3), np.uint8)

    with open_pipeline_factory(settings) as factory, ThreadPoolExecutor(32) as pool:
        embedder = factory.pipeline(default_card(settings)).embedder
        answers = list(pool.map(embedder.embed, [faces] * 32))

    assert all(answer.shape == (8, 128) for answer in answers)
