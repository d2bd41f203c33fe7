"""A custom network runs as its card describes, or is rejected before anything starts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from indexer.embedding import catalog, onnx_file
from indexer.embedding.card import ModelCard
from indexer.embedding.embedder import open_embedder
from indexer.errors import CardUnusable, ModelUnknown, WeightsDamaged, WeightsMissing

CARD: dict[str, Any] = {
    "name": "means",
    "template": "arcface-112-v2",
    "input_px": 112,
    "dimension": 3,
    "channels": "rgb",
    "mean": [10, 20, 30],
    "std": [1, 2, 4],
    "licence": "CC0-1.0",
    "source": "made for this test",
}


def network(path: Path, *, batch: int | str = 1, side: int | str = 112, divisor: float = 1.0) -> None:
    """The mean of each channel: enough to tell the channels, their scaling and the faces of a batch apart."""
    nodes = [
        helper.make_node("Div", ["faces", "divisor"], ["divided"]),
        helper.make_node("ReduceMean", ["divided", "axes"], ["embedding"], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, [batch, 3, side, side])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch, 3])],
        [
            helper.make_tensor("axes", TensorProto.INT64, [2], [2, 3]),
            helper.make_tensor("divisor", TensorProto.FLOAT, [], [divisor]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(path))


def card(folder: Path, *, mirror: bool = False, **changes: Any) -> ModelCard:
    """The card of the network in `folder`; None removes a field."""
    lines = {key: value for key, value in (CARD | changes).items() if value is not None}
    (folder / "means.json").write_text(json.dumps(lines))
    return catalog.named(f"onnx:{folder / 'means.onnx'}", mirror=mirror)


@pytest.mark.parametrize("batch", [1, 2, "n"])
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_pixels_are_scaled_as_the_card_says(tmp_path: Path, batch: int | str, channels: str) -> None:
    network(tmp_path / "means.onnx", batch=batch)
    faces = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)

    vectors = open_embedder(card(tmp_path, channels=channels)).embed(faces)

    means = faces.mean(axis=(1, 2))[:, :: 1 if channels == "rgb" else -1]
    wanted = (means - np.array(CARD["mean"])) / np.array(CARD["std"])
    np.testing.assert_allclose(vectors, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-5)
    assert vectors.dtype == np.float32


def test_a_model_may_be_named_by_its_card(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    network(tmp_path / "weights" / "other.onnx")
    (tmp_path / "mine.json").write_text(json.dumps(CARD | {"file": "weights/other.onnx"}))

    named = catalog.named(f"onnx:{tmp_path / 'mine.json'}", mirror=True)

    assert open_embedder(named).embed(np.zeros((1, 112, 112, 3), np.uint8)).shape == (1, 3)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"input_px": 150}, "input_px is 150"),
        ({"template": "other-112-v1"}, "template"),
        ({"std": [1, 0, 1]}, "std"),
        ({"channels": None}, "channels"),
        ({"colour": "rgb"}, "colour"),
        ({"name": "Not A Name"}, "name"),
    ],
)
def test_an_invalid_card_is_rejected(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    network(tmp_path / "means.onnx")

    with pytest.raises(CardUnusable, match=reason):
        card(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "made", "reason"),
    [
        ({"dimension": 4}, {}, "returns 3 numbers per face, and its card says 4"),
        ({"template": "dlib-150-v1", "input_px": 150}, {}, "takes"),
        ({}, {"side": 96}, "takes"),
        ({}, {"divisor": 0.0, "batch": "n"}, "NaN"),
    ],
)
def test_a_card_that_does_not_match_its_file_is_rejected(
    tmp_path: Path, changes: dict[str, Any], made: dict[str, Any], reason: str
) -> None:
    network(tmp_path / "means.onnx", **made)

    with pytest.raises(CardUnusable, match=reason):
        open_embedder(card(tmp_path, **changes))


def test_missing_damaged_and_exchanged_files_have_different_errors(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match=r"means\.onnx"):
        card(tmp_path)
    for nothing in (b"no network", b"", b"\x3a\xff\xff\xff\xff\x0f"):
        (tmp_path / "means.onnx").write_bytes(nothing)
        with pytest.raises(CardUnusable, match="an ONNX file"):
            open_embedder(card(tmp_path))
    network(tmp_path / "means.onnx", divisor=2.0)
    named = card(tmp_path)
    network(tmp_path / "means.onnx")
    with pytest.raises(WeightsDamaged, match=named.weights[0].sha256):
        open_embedder(named)
    with pytest.raises(CardUnusable, match=r"cannot read the card .*other\.json"):
        catalog.named(f"onnx:{tmp_path / 'other.onnx'}", mirror=True)
    with pytest.raises(ModelUnknown, match="sface, sface-int8, dlib-resnet"):
        catalog.named("facenet", mirror=True)


def test_another_file_or_scaling_is_another_model(tmp_path: Path) -> None:
    network(tmp_path / "means.onnx")
    fingerprints = {card(tmp_path).fingerprint, card(tmp_path, mean=[0, 0, 0]).fingerprint}
    network(tmp_path / "means.onnx", divisor=2.0)
    fingerprints |= {card(tmp_path).fingerprint, card(tmp_path, mirror=True).fingerprint}

    assert len(fingerprints) == 4


def weights_elsewhere(path: Path, where: str) -> None:
    """The network with its divisor in a separate file, `weights.bin`: as an initializer of the graph, a
    constant of a node, in the branch of an `If`, or in a function."""
    divisor = numpy_helper.from_array(np.full((1, 3, 1, 1), 2.0, np.float32), "divisor")
    set_external_data(divisor, "weights.bin", offset=0, length=12)
    (path.parent / "weights.bin").write_bytes(divisor.raw_data)
    divisor.ClearField("raw_data")
    divisor.data_location = TensorProto.EXTERNAL
    constant = helper.make_node("Constant", [], ["divisor"], value=divisor)
    opset = helper.make_opsetid("", 18)
    nodes, initializers, functions = [helper.make_node("Div", ["faces", "divisor"], ["embedding"])], [], []
    if where == "initializer":
        initializers.append(divisor)
    elif where == "constant":
        nodes.insert(0, constant)
    elif where == "branch":
        branch = helper.make_graph([constant], "b", [], [helper.make_tensor_value_info("divisor", 1, None)])
        nodes.insert(0, helper.make_node("If", ["yes"], ["divisor"], then_branch=branch, else_branch=branch))
        initializers.append(helper.make_tensor("yes", TensorProto.BOOL, [], [True]))
    else:
        nodes.insert(0, helper.make_node("Two", [], ["divisor"], domain="own"))
        functions.append(helper.make_function("own", "Two", [], ["divisor"], [constant], [opset]))
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, 3, 112, 112])],
        initializers,
    )
    model = helper.make_model(
        graph, functions=functions, opset_imports=[opset, helper.make_opsetid("own", 1)], ir_version=10
    )
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize("where", ["initializer", "constant", "branch", "function"])
def test_a_network_with_weights_in_another_file_is_rejected_with_the_remedy(
    tmp_path: Path, where: str
) -> None:
    """Its fingerprint would cover one file only: the other could be exchanged unnoticed."""
    weights_elsewhere(tmp_path / "means.onnx", where)

    with pytest.raises(CardUnusable, match=r"external data.*save_as_external_data=False"):
        card(tmp_path)


def test_the_remedy_gives_an_accepted_network(tmp_path: Path) -> None:
    network(tmp_path / "means.onnx")
    onnx.save_model(
        onnx.load(str(tmp_path / "means.onnx")),
        str(tmp_path / "outside.onnx"),
        save_as_external_data=True,
        size_threshold=0,
        convert_attribute=True,
    )
    (tmp_path / "means.onnx").unlink()

    onnx.save_model(
        onnx.load(str(tmp_path / "outside.onnx")), str(tmp_path / "means.onnx"), save_as_external_data=False
    )

    assert open_embedder(card(tmp_path)).embed(np.zeros((1, 112, 112, 3), np.uint8)).shape == (1, 3)


def test_the_messages_that_can_contain_weights_are_those_of_onnx() -> None:
    """Every path from a model to a tensor, by onnx's own descriptors."""
    named = {"model": "ModelProto", "training": "TrainingInfoProto", "function": "FunctionProto"}
    named |= {"graph": "GraphProto", "node": "NodeProto", "attribute": "AttributeProto"}
    named |= {"sparse": "SparseTensorProto", "tensor": "TensorProto"}
    of_onnx = {name: kind for kind, name in named.items()}
    for kind, name in named.items():
        fields = getattr(onnx, name).DESCRIPTOR.fields
        parts = {
            f.number: of_onnx[f.message_type.name]
            for f in fields
            if f.message_type and f.message_type.name in of_onnx
        }
        assert parts == onnx_file.PARTS[kind], name


def test_a_file_whose_names_are_damaged_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "means.onnx"
    network(file)
    file.write_bytes(file.read_bytes().replace(b"Div", b"D\x94v").replace(b"divisor", b"\xe6ivisor"))

    with pytest.raises(CardUnusable, match="ONNX file"):
        open_embedder(card(tmp_path))
