"""The OpenVINO graph of a model, from its file of weights."""

import warnings

import openvino
from openvino.preprocess import PrePostProcessor

from indexer.embedding.card import ModelCard
from indexer.embedding.int8.graph import int8_sface
from indexer.embedding.runtimes.open_model_zoo import reid0095
from indexer.errors import CardUnusable
from indexer.inference import network
from indexer.inference.block_quantised import dequantised
from indexer.weights.locate import read_verified
from indexer.weights.published import SFACE
from indexer.weights.store import WeightStore


def open_graph(card: ModelCard, store: WeightStore | None = None) -> openvino.Model:
    """Takes faces of shape (n, side, side, 3), uint8, RGB, and returns (n, dimension), any length. n is
    dynamic, except where a user's ONNX file has a fixed batch size. `store`: for weights that are fetched.

    Raises WeightsMissing, WeightsDamaged, CardUnusable.
    """
    if card.architecture == "onnx":
        model = _users_file(card)
    elif card.architecture == "sface-int8":
        model = int8_sface()
    elif card.architecture == "reid0095":
        model = reid0095(network.read_ir(*(read_verified(file, store) for file in card.weights)))
    elif card.weights == (SFACE,):
        model = _any_batch(network.read(dequantised(read_verified(SFACE))), card)
    else:
        model = _any_batch(_converted(card, store), card)
    return _with_preprocessing(model, card)


def _any_batch(model: openvino.Model, card: ModelCard) -> openvino.Model:
    model.reshape([-1, 3, card.side_px, card.side_px])
    return model


def _converted(card: ModelCard, store: WeightStore | None) -> openvino.Model:
    """From the torch module.

    `openvino.convert_model` does the same, and reports its use to a server of its makers.
    """
    import torch
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    from indexer.embedding.backbones import registry

    module = registry.opened(card, store).requires_grad_(False)
    example = torch.zeros(2, 3, card.side_px, card.side_px)
    with warnings.catch_warnings():
        # torch warns of numbers that become constants: those of channels and pixels, never that of faces.
        warnings.simplefilter("ignore")
        decoder = TorchScriptPythonDecoder(module, example_input=example)
    frontend = FrontEndManager().load_by_framework("pytorch")
    return frontend.convert(frontend.load(decoder))


def _users_file(card: ModelCard) -> openvino.Model:
    """The batch size stays as in the file if it is fixed. Raises CardUnusable if the card does not match."""
    (file,) = card.weights
    data = read_verified(file)
    try:
        model = network.read(data)
    except (RuntimeError, UnicodeDecodeError) as error:  # the latter of a message that quotes the file
        raise CardUnusable(f"cannot load {file.name} as an ONNX file: {error}") from error
    side = card.side_px
    inputs = model.inputs
    if len(inputs) != 1:
        raise CardUnusable(f"{card.name} has {len(inputs)} inputs, and a model has one, the faces")
    shape = inputs[0].partial_shape
    has = [d.get_length() if d.is_static else "n" for d in shape] if shape.rank.is_static else ["..."]
    if len(has) != 4 or any(h not in ("n", w) for h, w in zip(has[1:], [3, side, side], strict=True)):
        raise CardUnusable(f"{card.name} takes {has}, and its card says (n, 3, {side}, {side})")
    try:
        model.reshape([-1 if has[0] == "n" else has[0], 3, side, side])
    except RuntimeError as error:
        raise CardUnusable(
            f"{card.name} does not run on the input that its card describes: {error}"
        ) from error
    return model


def _with_preprocessing(model: openvino.Model, card: ModelCard) -> openvino.Model:
    """The graph converts the pixels itself; a network that does not scale them gets the card's scaling."""
    processor = PrePostProcessor(model)
    faces = processor.input()
    faces.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    faces.model().set_layout(openvino.Layout("NCHW"))
    steps = faces.preprocess().convert_element_type(openvino.Type.f32)
    if card.pixels is not None:
        if card.pixels.channels == "bgr":
            steps.reverse_channels()
        steps.mean(list(card.pixels.mean)).scale(list(card.pixels.std))
    return processor.build()
