"""`auto` chooses the arithmetic by model and processor."""

import numpy as np
import pytest
import skimage.data

from indexer.embedding import catalog
from indexer.embedding.embedder import open_embedder
from indexer.embedding.runtimes.openvino_embedder import OpenVinoEmbedder


@pytest.mark.parametrize("name", ["sface", "sface-int8", "dlib-resnet"])
def test_auto_is_float32_on_processors(name: str) -> None:
    card = catalog.named(name, mirror=True)
    faces = skimage.data.astronaut()[np.newaxis, : card.side_px, 140 : 140 + card.side_px]

    automatic = open_embedder(card, runtime="openvino", threads=1).embed(faces)

    exact = OpenVinoEmbedder(card, precision="float32", threads=1).embed(faces)
    np.testing.assert_array_equal(automatic, exact)


def test_bfloat16_does_not_depend_on_the_batch() -> None:
    card = catalog.sface(mirror=True)
    pixels = skimage.data.astronaut()
    faces = np.stack([pixels[i : i + 112, 140 + i : 252 + i] for i in range(7)])
    embedder = OpenVinoEmbedder(card, precision="bfloat16", threads=2)

    alone = np.concatenate([embedder.embed(face[np.newaxis]) for face in faces])

    np.testing.assert_allclose(embedder.embed(faces), alone, atol=1e-5)
