"""An exported model serves as it is, from safetensors and from ONNX, or is rejected."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from indexer.embedding import catalog
from indexer.embedding.backbones import registry
from indexer.embedding.embedder import open_embedder
from indexer.errors import CardUnusable, WeightsDamaged
from indexer.training.data.faces import Faces
from indexer.training.defaults import complete
from indexer.training.export import export
from indexer.training.inference import embed
from indexer.training.options import Options
from indexer.training.train import train
from indexer.vision.align import TEMPLATES
from indexer.weights.store import WeightStore
from tests.support.weights import REID0095, needs_reid0095

Sides = tuple[Faces, Faces]


@pytest.fixture(scope="module")
def exported(people: Path, sides: Sides, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card of a trained network, with its files beside it."""
    out = tmp_path_factory.mktemp("exported")
    options = Options(
        data=people, out=out, name="mine", backbone="paper", dimension=16, steps=2, pairs=2, evaluate_every=2
    )
    return export(options, *sides, train(options, *sides))


@pytest.fixture
def card_path(exported: Path, tmp_path: Path) -> Path:
    """A copy that the test may change."""
    return shutil.copytree(exported.parent, tmp_path / "run") / exported.name


def test_safetensors_and_onnx_give_the_embeddings_of_the_trained_network(
    card_path: Path, sides: Sides
) -> None:
    views = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)
    network = registry.load(card_path.with_suffix(".safetensors"), "paper", 16)
    for mirror in (False, True):
        own = embed(network, views, torch.device("cpu"), mirror=mirror)
        for kind in ("safetensors", "onnx"):
            card = catalog.named(f"{kind}:{card_path.with_suffix('.' + kind)}", mirror=mirror)
            exact = open_embedder(card, precision="float32").embed(views)
            np.testing.assert_allclose(exact, own, atol=2e-5)
            assert (card.dimension, card.template) == (16, "arcface-224-v2")


def test_the_card_describes_data_and_options(card_path: Path, sides: Sides, people: Path) -> None:
    card = json.loads(card_path.read_text())
    told = card["training"]
    assert (told["data"], told["faces"], told["identities"]) == (people.name, len(sides[0]), 7)
    assert told["options"]["margin"] == 1.1
    assert 0 <= told["validation"]["fnir_at_fpir_0.01"] <= 1
    assert len(card["genuine_scores"]) == 21
    assert told["fingerprint"] == catalog.named(f"safetensors:{card_path}", mirror=True).fingerprint
    assert str(people.parent) not in card_path.read_text(), "no folder of whoever trained it"


@needs_reid0095
def test_a_network_trained_from_sface_is_a_part_beside_reid0095(
    people: Path, sides: Sides, tmp_path: Path
) -> None:
    quick = {"steps": 1, "evaluate_every": 1, "pairs": 1, "freeze": 14, "compile": False}
    options = complete({"data": people, "out": tmp_path, "backbone": "sface"} | quick, {})
    export(options, *sides, train(options, *sides))
    parts = [{"model": "safetensors:siamese.safetensors", "weight": 3}, {"model": "reid0095", "weight": 1}]
    (tmp_path / "fused.json").write_text(json.dumps({"name": "ours", "parts": parts}))
    store = WeightStore(folder=tmp_path / "models", mirror=REID0095)
    card = catalog.named(f"fused:{tmp_path / 'fused.json'}", mirror=True)
    faces = {template: sides[1].aligned(range(4), TEMPLATES[template]) for template in card.templates}

    fused = open_embedder(card, threads=1, store=store).embed(*faces.values())

    cosines = []
    for part in card.parts:
        alone = open_embedder(part.card, threads=1, store=store).embed(faces[part.card.template])
        cosines.append(alone @ alone.T)
    assert [part.card.name for part in card.parts] == ["siamese", "reid0095"]
    np.testing.assert_allclose(fused @ fused.T, np.average(cosines, axis=0, weights=[3, 1]), atol=1e-5)


def test_other_weights_or_another_name_have_another_fingerprint(card_path: Path) -> None:
    def fingerprint() -> str:
        return catalog.named(f"safetensors:{card_path}", mirror=True).fingerprint

    before = fingerprint()
    network = registry.load(card_path.with_suffix(".safetensors"), "paper", 16)
    opened = catalog.named(f"safetensors:{card_path}", mirror=True)
    with torch.no_grad():
        next(network.parameters()).add_(0.01)
    registry.save(network, card_path.with_suffix(".safetensors"))
    assert fingerprint() != before
    with pytest.raises(WeightsDamaged):
        open_embedder(opened)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dimension": 32}, "fc2"),
        ({"architecture": "sface", "template": "arcface-112-v1", "input_px": 112}, "does not hold"),
        ({"architecture": "vgg"}, "none of paper"),
        ({"template": "arcface-112-v1", "input_px": 112}, "takes faces of arcface-224-v2"),
        ({"file": "mine.onnx"}, "not a safetensors file"),
    ],
)
def test_a_card_that_does_not_fit_is_rejected_before_anything_starts(
    card_path: Path, changes: dict[str, Any], reason: str
) -> None:
    card_path.write_text(json.dumps(json.loads(card_path.read_text()) | changes))
    with pytest.raises(CardUnusable, match=reason):
        catalog.named(f"safetensors:{card_path}", mirror=True)


@pytest.mark.parametrize("backbone", ["sface", "dlib-resnet"])
def test_a_published_backbone_in_another_dimension_is_written_and_read(tmp_path: Path, backbone: str) -> None:
    torch.manual_seed(1)
    network = registry.published(backbone, 32).eval()
    registry.save(network, tmp_path / "t.safetensors")
    again = registry.load(tmp_path / "t.safetensors", backbone, 32)
    side = int(registry.BACKBONES[backbone].template.split("-")[1])
    faces = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), np.uint8)
    cpu = torch.device("cpu")
    np.testing.assert_array_equal(embed(again, faces, cpu), embed(network, faces, cpu))
    assert embed(again, faces, cpu).shape == (2, 32)
