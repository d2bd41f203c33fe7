"""The network in torch equals dlib's own."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data

from indexer.embedding.backbones import dlib_resnet
from indexer.embedding.catalog import dlib_resnet as card
from indexer.embedding.runtimes.torch_embedder import TorchEmbedder
from indexer.errors import WeightsDamaged
from indexer.weights.locate import locate
from indexer.weights.published import DLIB_RESNET

REFERENCE = Path(__file__).with_name("dlib_reference.npy")
"""Embeddings of `chips` by dlib 20.0.1 itself, shape (2, 128), of length 1."""


@pytest.fixture(scope="module")
def chips() -> np.ndarray:
    """A face and noise, shape (2, 150, 150, 3)."""
    noise = np.random.default_rng(0).integers(0, 256, (150, 150, 3), np.uint8)
    return np.stack([skimage.data.astronaut()[20:170, 150:300], noise])


def test_embeddings_equal_those_of_dlib_20(chips: np.ndarray) -> None:
    ours = TorchEmbedder(card(mirror=False), device="cpu").embed(chips)

    np.testing.assert_allclose(ours, np.load(REFERENCE), atol=1e-5)


def test_embeddings_equal_those_of_the_installed_dlib(chips: np.ndarray) -> None:
    dlib = pytest.importorskip("dlib", reason="dlib is not installed")
    theirs_alone = dlib.face_recognition_model_v1(str(locate(DLIB_RESNET)))
    theirs = np.array([theirs_alone.compute_face_descriptor(chip) for chip in chips], np.float32)
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)

    ours = TorchEmbedder(card(mirror=False), device="cpu").embed(chips)

    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("kept", [100, 10_000_000, 22_400_000])
def test_a_truncated_file_is_rejected(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "truncated.dat"
    path.write_bytes(locate(DLIB_RESNET).read_bytes()[:kept])

    with pytest.raises(WeightsDamaged, match=r"truncated\.dat"):
        dlib_resnet.load(path)
