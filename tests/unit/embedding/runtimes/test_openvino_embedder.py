"""OpenVINO computes the embeddings that torch computes, of each backbone, for any number of faces."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from indexer.embedding import catalog
from indexer.embedding.backbones import registry
from indexer.embedding.card import ModelCard
from indexer.embedding.runtimes.openvino_embedder import MAX_VIEWS, OpenVinoEmbedder
from indexer.embedding.runtimes.torch_embedder import TorchEmbedder


def crops(side_px: int, count: int) -> NDArray[np.uint8]:
    """Parts of a photograph of a face, shape (count, side, side, 3)."""
    picture = skimage.data.astronaut()
    return np.stack([picture[i : i + side_px, 140 + i : 140 + i + side_px] for i in range(count)])


def trained(folder: Path, architecture: str, dimension: int, template: str, side_px: int) -> ModelCard:
    """A card of weights as `gemel train` writes them."""
    network = (
        registry.BACKBONES[architecture].make(dimension)
        if architecture == "paper"
        else registry.published(architecture, dimension)
    )
    registry.save(network, folder / "mine.safetensors")
    card = {"name": "mine", "architecture": architecture, "template": template, "input_px": side_px}
    card |= {"dimension": dimension, "channels": "rgb", "mean": [0, 0, 0], "std": [1, 1, 1]}
    (folder / "mine.json").write_text(json.dumps(card | {"licence": "CC0-1.0", "source": "this test"}))
    return catalog.named(f"safetensors:{folder / 'mine.safetensors'}", mirror=True)


@pytest.fixture(params=["sface", "dlib-resnet", "trained sface", "trained dlib-resnet", "trained paper"])
def card(request: pytest.FixtureRequest, tmp_path: Path) -> ModelCard:
    if not request.param.startswith("trained"):
        return catalog.named(request.param, mirror=True)
    architecture = request.param.removeprefix("trained ")
    dimension = {"sface": 128, "dlib-resnet": 64, "paper": 32}[architecture]
    template = registry.BACKBONES[architecture].template
    return trained(tmp_path, architecture, dimension, template, int(template.split("-")[1]))


def test_embeddings_equal_those_of_torch(card: ModelCard) -> None:
    faces = crops(card.side_px, 3)

    openvino = OpenVinoEmbedder(card, threads=1).embed(faces)
    torch = TorchEmbedder(card, device="cpu", threads=1).embed(faces)

    assert openvino.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(openvino, axis=1), 1, atol=1e-5)
    assert np.min(np.sum(openvino * torch, axis=1)) > 0.99999
    np.testing.assert_allclose(openvino, torch, atol=1e-4)


def test_bfloat16_is_close_to_float32() -> None:
    sface = catalog.sface(mirror=True)

    exact = OpenVinoEmbedder(sface, threads=1).embed(crops(112, 4))
    short = OpenVinoEmbedder(sface, precision="bfloat16", threads=1).embed(crops(112, 4))

    assert np.min(np.sum(exact * short, axis=1)) > 0.999


@pytest.mark.parametrize("mirror", [False, True])
def test_a_face_has_one_embedding_whatever_else_is_in_the_batch(mirror: bool) -> None:
    embedder = OpenVinoEmbedder(catalog.sface(mirror=mirror), threads=1)
    faces = crops(112, MAX_VIEWS + 7)
    alone = np.concatenate([embedder.embed(face[np.newaxis]) for face in faces])

    for count in (1, 2, 3, 7, MAX_VIEWS, MAX_VIEWS + 7):
        together = embedder.embed(faces[:count])

        assert together.shape == (count, 128)
        np.testing.assert_allclose(together, alone[:count], atol=1e-5)


def test_no_faces_give_no_embeddings() -> None:
    embedder = OpenVinoEmbedder(catalog.sface(mirror=True), threads=1)

    assert embedder.embed(np.empty((0, 112, 112, 3), np.uint8)).shape == (0, 128)


def test_threads_that_share_an_embedder_get_their_own_embeddings() -> None:
    embedder = OpenVinoEmbedder(catalog.sface(mirror=True), threads=1)
    faces = crops(112, 6)
    expected = embedder.embed(faces)

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda i: embedder.embed(faces[i % 6 :][: 1 + i % 2]), range(24)))

    for i, vectors in enumerate(got):
        np.testing.assert_allclose(vectors, expected[i % 6 :][: 1 + i % 2], atol=1e-5)
