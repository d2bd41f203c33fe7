"""Several networks side by side: one vector, one score, one fingerprint."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from indexer.embedding import catalog
from indexer.embedding.batching import BatchingEmbedder
from indexer.embedding.card import ModelCard
from indexer.embedding.embedder import open_embedder, stacked
from indexer.embedding.fused import fuse
from indexer.errors import Misconfigured, ModelUnknown

SFACE, INT8, DLIB = (read(mirror=True) for read in (catalog.sface, catalog.sface_int8, catalog.dlib_resnet))


def crops(side_px: int, count: int) -> NDArray[np.uint8]:
    picture = skimage.data.astronaut()
    return np.stack([picture[i : i + side_px, 140 + i : 140 + i + side_px] for i in range(count)])


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.75, 0.25), (1.0, 9.0)])
def test_the_cosine_is_the_weighted_mean_of_the_parts_cosines(weights: tuple[float, float]) -> None:
    card = fuse("both", [(SFACE, weights[0]), (DLIB, weights[1])])
    faces = crops(112, 5), crops(150, 5)

    vectors = open_embedder(card, threads=1).embed(*faces)

    sface = open_embedder(SFACE, threads=1).embed(faces[0])
    dlib = open_embedder(DLIB, threads=1).embed(faces[1])
    expected = np.average([sface @ sface.T, dlib @ dlib.T], axis=0, weights=weights)
    assert vectors.shape == (5, 256)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=1e-6)


def test_parts_with_the_same_alignment_take_the_same_picture() -> None:
    card = fuse("both", [(SFACE, 1), (INT8, 1)])

    assert card.templates == ("arcface-112-v1",)
    vectors = open_embedder(card, threads=1).embed(crops(112, 2))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_mirrored_and_an_unmirrored_part_go_together() -> None:
    plain = catalog.dlib_resnet(mirror=False)
    face = crops(112, 1), crops(150, 1)

    vectors = open_embedder(fuse("both", [(SFACE, 1), (plain, 1)]), threads=1).embed(*face)

    alone = open_embedder(plain, threads=1).embed(face[1])
    np.testing.assert_allclose(vectors[:, 128:] * np.sqrt(2), alone, atol=1e-6)


OTHERS = {
    "other weights": fuse("both", [(SFACE, 1), (DLIB, 2)]),
    "another part": fuse("both", [(INT8, 1), (DLIB, 1)]),
    "another order": fuse("both", [(DLIB, 1), (SFACE, 1)]),
    "one part without mirror": fuse("both", [(SFACE, 1), (catalog.dlib_resnet(mirror=False), 1)]),
    "another alignment of a part": fuse("both", [(SFACE, 1), (replace(DLIB, template="arcface-112-v1"), 1)]),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_a_fused_model_with_other_embeddings_has_another_fingerprint(other: ModelCard) -> None:
    assert fuse("both", [(SFACE, 1), (DLIB, 1)]).fingerprint != other.fingerprint


def test_only_the_ratio_of_the_weights_counts() -> None:
    one, other = fuse("both", [(SFACE, 1), (DLIB, 1)]), fuse("both", [(SFACE, 0.3), (DLIB, 0.3)])

    assert one.fingerprint == other.fingerprint


def test_a_card_names_all_files_licences_and_sources_of_its_parts_once() -> None:
    card = fuse("both", [(SFACE, 1), (INT8, 1), (DLIB, 1)])

    assert card.weights == (*SFACE.weights, *DLIB.weights)
    assert card.licence == "Apache-2.0, CC0-1.0"
    assert SFACE.source in card.source
    assert [part["name"] for part in card.summary()["parts"]] == ["sface", "sface-int8", "dlib-resnet"]


def test_published_models_with_a_plus_between_are_one_model_that_has_no_thresholds() -> None:
    card = catalog.named("sface+dlib-resnet", mirror=False)

    assert [part.card for part in card.parts] == [
        catalog.sface(mirror=False),
        catalog.dlib_resnet(mirror=False),
    ]
    assert catalog.named(card.known_as, mirror=card.mirror).fingerprint == card.fingerprint
    assert not card.score_at_fmr


@pytest.mark.parametrize("name", ["sface+", "+sface", "sface+nobody", "sface+sface+", "+"])
def test_a_name_with_an_unknown_part_is_unknown(name: str) -> None:
    with pytest.raises(ModelUnknown):
        catalog.named(name, mirror=True)


def test_torch_is_not_asked_to_run_a_part_that_it_cannot_run() -> None:
    with pytest.raises(Misconfigured, match="torch does not run sface-int8"):
        open_embedder(fuse("both", [(DLIB, 1), (INT8, 1)]), runtime="torch", device="cpu")


def test_callers_who_share_a_batch_each_get_the_embeddings_of_their_own_faces_in_every_alignment() -> None:
    embedder = open_embedder(fuse("both", [(SFACE, 1), (DLIB, 1)]), threads=1)
    faces = list(zip(crops(112, 6), crops(150, 6), strict=True))
    batching = BatchingEmbedder(embedder, max_batch=4, max_waiting=None)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda face: batching.embed(*stacked([face])), faces))
    batching.close()

    np.testing.assert_allclose(np.concatenate(answers), embedder.embed(*stacked(faces)), atol=1e-5)
