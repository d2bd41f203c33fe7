"""A head of expressions that `gemel train --task expression` made: its card, and its weights beside it."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer.errors import CardUnusable, WeightsDamaged, WeightsMissing
from indexer.files import open_regular, reason
from indexer.inference.network import read
from indexer.weights.published import EXPRESSION

MAX_BYTES = 10_000_000
"""Of the card and of the weights, which have a few dozen kilobytes."""
FEATURE_DIMENSION = 512
"""Of the published network's features, which the head takes in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedCard:
    expressions: tuple[str, ...]
    """In the order of the outputs."""
    temperature: float
    """By which the head divides its logits."""
    trained_on: str
    """The name of the data's folder."""
    base_sha256: str
    """Of the published network whose features the head takes in."""
    weights_sha256: str
    """Of the ONNX file."""
    licence: str
    accuracy: float | None = None
    """Of the face alone, on people whom it was not trained on."""
    accuracy_interval: tuple[float, float] | None = None
    """95 %, by person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedHead:
    name: str
    card: TrainedCard
    weights: bytes
    """ONNX: from features, shape (n, 512), to calibrated probabilities."""


def read_trained(path: Path) -> TrainedHead:
    """`path`: of the card `NAME.json`, beside which lies `NAME.onnx`. Both are verified.

    Raises CardUnusable (also where the head takes in the features of another network than the published one),
    WeightsMissing, WeightsDamaged."""
    card = _card(path)
    if card.base_sha256 != EXPRESSION.sha256:
        raise CardUnusable(
            f"{path} is the card of a head for the features of another network than {EXPRESSION.name}: train"
            " it again with this version",
            path=str(path),
        )
    file = path.with_suffix(".onnx")
    try:
        weights = _content(file)
    except OSError as error:
        raise WeightsMissing(f"cannot read {file}: {reason(error)}", path=str(file)) from error
    if hashlib.sha256(weights).hexdigest() != card.weights_sha256:
        raise WeightsDamaged(
            f"{file} is not the file of its card {path.name}: its SHA-256 is another", path=str(file)
        )
    _check_shape(file, weights, card)
    return TrainedHead(name=path.stem, card=card, weights=weights)


def _card(path: Path) -> TrainedCard:
    try:
        content = json.loads(_content(path))
        if not isinstance(content, dict):
            raise ValueError("it is no JSON object")
        return _parsed(content)
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        why = f"lacks {error}" if isinstance(error, KeyError) else reason(error)
        raise CardUnusable(
            f"{path} is not the card of a head of expressions: {why}", path=str(path)
        ) from error


def _parsed(content: dict[str, Any]) -> TrainedCard:
    """Raises KeyError, TypeError, ValueError."""
    names = content["expressions"]
    if not isinstance(names, list) or not all(isinstance(each, str) and each.isprintable() for each in names):
        raise ValueError("its expressions are not a list of names")
    interval = content.get("accuracy_interval")
    accuracy = content.get("accuracy")
    card = TrainedCard(
        expressions=tuple(names),
        temperature=float(content["temperature"]),
        trained_on=str(content["trained_on"]),
        base_sha256=str(content["base_sha256"]),
        weights_sha256=str(content["weights_sha256"]),
        licence=str(content["licence"]),
        accuracy=None if accuracy is None else float(accuracy),
        accuracy_interval=None if interval is None else (float(interval[0]), float(interval[1])),
    )
    if len(card.expressions) < 2 or len(set(card.expressions)) < len(card.expressions):
        raise ValueError("its expressions are not two or more different names")
    figures = (card.temperature, card.accuracy or 0.0, *(card.accuracy_interval or ()))
    if not all(map(math.isfinite, figures)):  # the API gives them as JSON, which has no such numbers
        raise ValueError("one of its figures is not finite")
    return card


def _content(path: Path) -> bytes:
    """Raises OSError."""
    with open_regular(path) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise OSError(0, f"it has more than {MAX_BYTES:,} bytes", str(path))
    return data


def _check_shape(path: Path, weights: bytes, card: TrainedCard) -> None:
    """Raises CardUnusable."""
    try:
        network = read(weights)
    except RuntimeError as error:
        raise CardUnusable(f"{path} is no network", path=str(path)) from error
    shapes = [str(part.partial_shape) for part in (*network.inputs, *network.outputs)]
    if shapes != [f"[?,{FEATURE_DIMENSION}]", f"[?,{len(card.expressions)}]"]:  # of any number of faces
        raise CardUnusable(
            f"{path} does not make {len(card.expressions)} probabilities of {FEATURE_DIMENSION} features, as"
            " its card says",
            path=str(path),
        )
