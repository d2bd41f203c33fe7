"""The layers of SFace as arrays compute what the published network computes."""

from itertools import pairwise

import numpy as np

from indexer.embedding import catalog
from indexer.embedding.int8 import graph, units
from indexer.embedding.int8.units import Unit
from indexer.embedding.runtimes.openvino_embedder import OpenVinoEmbedder
from indexer.inference.network import Network
from tests.support.int8 import crops


def embeddings(layers: list[Unit]) -> np.ndarray:
    faces = np.ascontiguousarray(crops(3).transpose(0, 3, 1, 2), np.float32)
    found = Network(graph.build(layers, {}), threads=1).run(faces)[0]
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def test_the_layers_compute_the_embeddings_of_the_published_network() -> None:
    published = OpenVinoEmbedder(catalog.sface(mirror=False), threads=1).embed(crops(3))

    np.testing.assert_allclose(embeddings(units.read()), published, atol=1e-5)


def test_the_scales_of_inputs_do_not_change_the_embeddings() -> None:
    layers = units.read()
    rng = np.random.default_rng(0)
    divisors = {
        unit.name: np.exp(rng.uniform(-1, 1, len(before.bias))).astype(np.float32)
        for before, unit in pairwise(layers)
    }

    np.testing.assert_allclose(embeddings(units.rescaled(layers, divisors)), embeddings(layers), atol=1e-4)
