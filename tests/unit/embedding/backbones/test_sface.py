"""SFace equals the published network, also with folded normalisations; the mirror image."""

import numpy as np
import pytest
import torch

from indexer.embedding.backbones import sface as sface_network
from indexer.embedding.backbones.sface import fold_batch_norms
from indexer.embedding.catalog import sface
from indexer.embedding.runtimes.torch_embedder import TorchEmbedder
from indexer.inference.block_quantised import read_arrays
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.weights.locate import locate
from indexer.weights.published import SFACE


@pytest.fixture(scope="module")
def faces(pipeline: Pipeline, hopper: bytes, collins: bytes) -> np.ndarray:
    """Two aligned faces, shape (2, 112, 112, 3)."""
    return np.stack([pipeline.detect(data, Stopwatch()).faces[0].pictures[0] for data in (hopper, collins)])


def test_the_torch_backbone_equals_opencv_running_the_published_file(faces: np.ndarray) -> None:
    """`cv2.FaceRecognizerSF` reads the same ONNX file with its own code."""
    import cv2

    recognizer = cv2.FaceRecognizerSF.create(str(locate(SFACE)), "")
    theirs = np.concatenate([recognizer.feature(np.ascontiguousarray(face[:, :, ::-1])) for face in faces])
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)

    ours = TorchEmbedder(sface(mirror=False), device="cpu").embed(faces)

    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_folding_the_normalisations_changes_nothing(faces: np.ndarray) -> None:
    views = torch.from_numpy(faces).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        plain = sface_network.load(locate(SFACE))(views)
        folded = fold_batch_norms(sface_network.load(locate(SFACE)))(views)

    torch.testing.assert_close(folded, plain, atol=1e-3, rtol=1e-3)


def test_with_mirror_a_face_and_its_mirror_image_have_the_same_embedding(faces: np.ndarray) -> None:
    embedder = TorchEmbedder(sface(mirror=True), device="cpu")

    np.testing.assert_allclose(
        embedder.embed(faces), embedder.embed(np.ascontiguousarray(faces[:, :, ::-1])), atol=1e-5
    )


def test_embeddings_have_length_one_and_the_cards_dimension(faces: np.ndarray) -> None:
    embedder = TorchEmbedder(sface(mirror=True), device="cpu")
    vectors = embedder.embed(faces)

    assert vectors.shape == (2, embedder.card.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_bfloat16_gives_nearly_the_same_embeddings(faces: np.ndarray) -> None:
    exact = TorchEmbedder(sface(mirror=True), device="cpu").embed(faces)
    short = TorchEmbedder(sface(mirror=True), device="cpu", precision="bfloat16").embed(faces)

    assert (exact * short).sum(axis=1).min() > 0.999


def test_float16_which_gpus_use_gives_nearly_the_same_embeddings(faces: np.ndarray) -> None:
    """The processor rounds to float16 after each layer as a GPU does."""
    exact = TorchEmbedder(sface(mirror=True), device="cpu").embed(faces)
    short = TorchEmbedder(sface(mirror=True), device="cpu", precision="float16").embed(faces)

    assert (exact * short).sum(axis=1).min() > 0.9999
    np.testing.assert_allclose(short @ short.T, exact @ exact.T, atol=2e-3)


def test_mirror_changes_the_fingerprint() -> None:
    assert sface(mirror=True).fingerprint != sface(mirror=False).fingerprint


def test_every_tensor_of_the_file_is_used() -> None:
    """All 145 float arrays and 29 dequantised ones but the two scalars of the normalisation."""
    arrays = read_arrays(locate(SFACE))
    backbone = sface_network.load(locate(SFACE))
    wanted = {
        sface_network.onnx_name(n) for n in backbone.state_dict() if not n.endswith("num_batches_tracked")
    }

    unused = ("_scales", "_quantized")
    used = {n for n in arrays if not n.endswith(unused) and not n.startswith("scalar_op")}
    assert wanted == used
