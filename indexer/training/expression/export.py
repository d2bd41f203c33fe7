"""The trained heads: both as safetensors, that of the face alone as ONNX, which `ExpressionHead` loads, and
a card."""

import json
import logging
import warnings
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save as dump
from torch import Tensor, nn

from indexer.attributes.heads.trained_expression import FEATURE_DIMENSION, TrainedCard
from indexer.files import atomic_write
from indexer.training.expression.folds import ALONE, ComparisonResult, Heads
from indexer.training.expression.model import SmallHead
from indexer.weights.file import sha256
from indexer.weights.published import EXPRESSION


class Calibrated(nn.Module):
    """From features, shape (n, 512), to probabilities of expressions."""

    def __init__(self, head: SmallHead, temperature: float) -> None:
        super().__init__()
        self.head = head
        self.temperature = temperature

    def forward(self, faces: Tensor) -> Tensor:
        logits: Tensor = self.head(faces)
        return (logits / self.temperature).softmax(dim=1)


def export(
    out: Path, name: str, heads: Heads, result: ComparisonResult, *, temperature: float, data: str
) -> Path:
    """Writes `NAME.safetensors`, `NAME.onnx` and `NAME.json`. Returns the card's path. The card is written
    last and an older one is deleted first: no card ever lies beside other weights. Raises OSError."""
    path = out / f"{name}.json"
    path.unlink(missing_ok=True)
    state = {
        f"{part}.{key}": tensor.contiguous()
        for part, head in (("alone", heads.alone), ("comparison", heads.comparison))
        for key, tensor in head.state_dict().items()
    }
    with atomic_write(path.with_suffix(".safetensors")) as aside:
        aside.write_bytes(dump(state))
    with atomic_write(path.with_suffix(".onnx")) as aside:
        _write_onnx(Calibrated(heads.alone, temperature).eval(), aside)
    alone = next(each for each in result.methods if each.method == ALONE)
    card = TrainedCard(
        expressions=heads.expressions,
        temperature=temperature,
        trained_on=data,
        base_sha256=EXPRESSION.sha256,
        weights_sha256=sha256(path.with_suffix(".onnx")),
        licence="that of the data it was trained on",
        accuracy=alone.accuracy,
        accuracy_interval=alone.interval,
    )
    content = asdict(card) | {
        "base": EXPRESSION.name,
        "leave_subjects_out": asdict(result) | {"comparison_helps": result.comparison_helps},
    }
    with atomic_write(path) as aside:
        aside.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    return path


def _write_onnx(network: nn.Module, path: Path) -> None:
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)  # it warns about itself, and about libraries that are not needed
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, FEATURE_DIMENSION),),
            path,
            input_names=["features"],
            output_names=["probabilities"],
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
            external_data=False,
            verbose=False,
        )
    log.setLevel(level)
