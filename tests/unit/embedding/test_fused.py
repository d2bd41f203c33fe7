"""Several networks side by side: one vector, one score, one fingerprint."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from indexer.embedding import catalog, requested
from indexer.embedding.backbones import registry
from indexer.embedding.batching import BatchingEmbedder
from indexer.embedding.card import ModelCard
from indexer.embedding.embedder import open_embedder, stacked
from indexer.embedding.fused import fuse
from indexer.errors import CardUnusable, InvalidRequest, Misconfigured, ModelUnknown
from tests.unit.embedding.test_onnx import CARD as OWN
from tests.unit.embedding.test_onnx import network

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

    assert card.templates == ("arcface-112-v2",)
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
    "another alignment of a part": fuse("both", [(SFACE, 1), (replace(DLIB, template="arcface-112-v2"), 1)]),
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


def test_the_published_one_has_weights_and_only_one_part_with_the_mirror_image() -> None:
    sface, reid0095 = catalog.named("sface+reid0095", mirror=True).parts

    assert (sface.card, reid0095.card) == (SFACE, catalog.reid0095(mirror=False))
    assert [sface.weight, reid0095.weight] == pytest.approx([4 / 7, 3 / 7])


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


def written(folder: Path, **changes: Any) -> Path:
    """A card that names a network of one's own and a published one."""
    network(folder / "means.onnx")
    (folder / "means.json").write_text(json.dumps(OWN))
    card = {
        "name": "ours",
        "parts": [{"model": "onnx:means.onnx", "weight": 3}, {"model": "sface", "mirror": False}],
    }
    path = folder / "ours.json"
    path.write_text(json.dumps(card | changes))
    return path


def test_a_card_of_ones_own_names_its_parts_and_their_weights(tmp_path: Path) -> None:
    path = written(tmp_path, score_at_fmr=[[0.5, 0.1], [0.01, 0.3]], licence="ours")

    card = catalog.named(f"fused:{path}", mirror=True)

    own, published = card.parts
    assert (own.card.name, own.weight, own.card.mirror) == ("means", 0.75, True)
    assert (published.card, published.weight) == (catalog.sface(mirror=False), 0.25)
    assert (card.name, card.dimension, card.licence) == ("ours", 131, "ours")
    assert card.score_at_fmr == ((0.5, 0.1), (0.01, 0.3))
    assert open_embedder(card, threads=1).embed(crops(112, 2)).shape == (2, 131)


def test_a_card_of_ones_own_is_found_again_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = catalog.named(f"fused:{written(tmp_path)}", mirror=True)
    monkeypatch.chdir("/")

    assert catalog.named(card.known_as, mirror=card.mirror) == card


def test_without_the_mirror_image_no_part_has_it(tmp_path: Path) -> None:
    card = catalog.named(f"fused:{written(tmp_path)}", mirror=False)

    assert [part.card.mirror for part in card.parts] == [False, False]


def test_a_trained_network_is_a_part(tmp_path: Path) -> None:
    registry.save(registry.published("sface"), tmp_path / "siamese.safetensors")
    card = OWN | {"name": "siamese", "architecture": "sface", "dimension": 128, "channels": "rgb"}
    (tmp_path / "siamese.json").write_text(json.dumps(card))
    path = written(tmp_path, parts=[{"model": "safetensors:siamese.safetensors"}, {"model": "dlib-resnet"}])
    faces = crops(112, 2), crops(150, 2)

    vectors = open_embedder(catalog.named(f"fused:{path}", mirror=True), threads=1).embed(*faces)

    expected = open_embedder(fuse("both", [(SFACE, 1), (DLIB, 1)]), threads=1).embed(*faces)
    np.testing.assert_allclose(vectors, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([{"model": "sface"}], "parts: .*at least 2"),
        ([{"model": "sface"}, {"model": "nobody"}], "there is no model 'nobody'"),
        ([{"model": "sface"}, {"model": "fused:ours.json"}], "has parts itself"),
        ([{"model": "sface"}, {"model": "sface+dlib-resnet"}], "has parts itself"),
        ([{"model": "sface"}, {"model": "dlib-resnet", "weight": 0}], r"parts\.1\.weight"),
        ([{"model": "sface"}, {"model": "dlib-resnet", "weight": -1}], r"parts\.1\.weight"),
        ([{"model": "sface"}, {"model": "dlib-resnet", "heavy": 1}], r"parts\.1\.heavy"),
    ],
)
def test_a_card_with_unusable_parts_is_rejected(
    tmp_path: Path, parts: list[dict[str, Any]], reason: str
) -> None:
    with pytest.raises(CardUnusable, match=reason):
        catalog.named(f"fused:{written(tmp_path, parts=parts)}", mirror=True)


def test_a_request_names_a_card_only_if_all_its_files_lie_in_the_folder(tmp_path: Path) -> None:
    folder, outside = tmp_path / "models", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    written(folder)
    written(outside)
    (folder / "reaching.json").write_text(
        (folder / "ours.json").read_text().replace("means.onnx", "../outside/means.onnx")
    )

    assert requested.model("fused:ours.json", mirror=True, folder=folder, field="to").name == "ours"
    for name in ("fused:reaching.json", "fused:../outside/ours.json", f"fused:{outside}/ours.json"):
        with pytest.raises(InvalidRequest, match="there is no such model"):
            requested.model(name, mirror=True, folder=folder, field="to")


def test_the_int8_variant_differs_in_one_part_only() -> None:
    exact, rounded = (catalog.named(f"{name}+reid0095", mirror=True) for name in ("sface", "sface-int8"))

    assert [part.card.name for part in rounded.parts] == ["sface-int8", "reid0095"]
    assert [part.weight for part in rounded.parts] == [part.weight for part in exact.parts]
    assert rounded.parts[1] == exact.parts[1]
    assert rounded.score_at_fmr
