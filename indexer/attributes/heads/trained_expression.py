"""A head of expressions that `gemel train --task expression` made: its card, and its weights beside it."""

import json
from dataclasses import dataclass
from pathlib import Path

from indexer.errors import CardUnusable
from indexer.files import reason


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedCard:
    expressions: tuple[str, ...]
    """In the order of the outputs."""
    temperature: float
    """By which the head divides its logits."""
    trained_on: str
    """The name of the data's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedHead:
    card: TrainedCard
    weights: bytes
    """ONNX: from features, shape (n, 512), to calibrated probabilities."""


def read_trained(path: Path) -> TrainedHead:
    """`path`: of the card `NAME.json`, beside which lies `NAME.onnx`. Raises CardUnusable."""
    try:
        content = json.loads(path.read_text("utf-8"))
        card = TrainedCard(
            expressions=tuple(content["expressions"]),
            temperature=float(content["temperature"]),
            trained_on=str(content["trained_on"]),
        )
        return TrainedHead(card=card, weights=path.with_suffix(".onnx").read_bytes())
    except (OSError, ValueError, TypeError, KeyError) as error:
        why = f"lacks {error}" if isinstance(error, KeyError) else reason(error)
        raise CardUnusable(
            f"{path} is not the card of a head of expressions: {why}", path=str(path)
        ) from error
