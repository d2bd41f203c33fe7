"""The published 0095 is the same function as an ONNX file that was made from it independently."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from indexer.embedding import catalog
from indexer.embedding.card_file import read_onnx
from indexer.embedding.embedder import open_embedder
from indexer.errors import WeightsMissing
from indexer.weights.store import WeightStore
from tests.support.weights import REID0095, needs_reid0095


@pytest.fixture
def faces() -> NDArray[np.uint8]:
    picture = skimage.data.astronaut()
    return np.stack([picture[i : i + 112, 140 + i : 252 + i] for i in range(5)])


@needs_reid0095
@pytest.mark.parametrize("mirror", [False, True])
def test_the_published_network_gives_the_embeddings_of_the_onnx_file(
    faces: NDArray[np.uint8], tmp_path: Path, mirror: bool
) -> None:
    store = WeightStore(folder=tmp_path, mirror=REID0095)
    onnx = read_onnx(REID0095 / "reid0095.onnx", mirror=mirror)

    published = open_embedder(catalog.reid0095(mirror=mirror), threads=1, store=store).embed(faces)

    assert published.shape == (5, 256)
    np.testing.assert_allclose(published, open_embedder(onnx, threads=1).embed(faces), atol=1e-5)


@pytest.mark.parametrize("name", ["reid0095", "sface+reid0095"])
def test_a_model_that_is_not_fetched_says_how_to_fetch_it(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsMissing, match="gemel models fetch reid0095"):
        open_embedder(catalog.named(name, mirror=True), store=WeightStore(folder=tmp_path))
