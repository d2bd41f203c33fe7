"""The card of a model of one's own: a small JSON file beside its weights.

    {
      "name": "mobilefacenet",
      "file": "mobilefacenet.onnx",
      "template": "arcface-112-v1",
      "input_px": 112,
      "dimension": 128,
      "channels": "rgb",
      "mean": [123.675, 116.28, 103.53],
      "std": [58.395, 57.12, 57.375],
      "licence": "Apache-2.0",
      "source": "where it comes from"
    }

It may have `score_at_fmr` and `genuine_scores`, which `python -m benchmarks.card_figures` measures. What
`gemel train` exports has `architecture` too, the backbone that its safetensors file is for, and `training`,
how it was made; an ONNX file of the same network lies beside it, so that one card serves both.
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from indexer.embedding import onnx_file
from indexer.embedding.card import ModelCard, Pixels
from indexer.embedding.weights import WeightFile, sha256
from indexer.errors import CardUnusable
from indexer.files import open_regular

ONNX = "onnx:"
TRAINED = "safetensors:"
"""What names of models of one's own begin with; the path of a file follows."""

MAX_CARD_BYTES = 1_000_000
Checked = Callable[[Path], Path]
"""Says of each file, before it is opened, which path to open; raises where it must not be opened."""

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_Mean = Annotated[float, Field(ge=-1e6, le=1e6)]
_Deviation = Annotated[float, Field(ge=1e-6, le=1e6)]
_Cosine = Annotated[float, Field(ge=-1, le=1)]
_Rate = Annotated[float, Field(ge=1e-12, le=0.999)]
MIN_SCORE_STEP = 1e-4
"""From one measured rate to the next: thresholds beyond the last one go on with the slope of the last two."""
_MAX_RATE_RATIO = 0.99
"""Of a measured rate to the one before."""


class CardFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(pattern=NAME_PATTERN)
    file: Annotated[str, Field(pattern=r"^[^\x00]+$")] | None = None
    """Of the weights, from the card's folder; without it, the card's own name with another ending."""
    architecture: str | None = None
    """One of `backbones.registry.BACKBONES`; an ONNX file brings its own."""
    template: Literal["arcface-112-v1", "arcface-224-v1", "dlib-150-v1"]
    input_px: int = Field(gt=0)
    dimension: int = Field(gt=0, le=4096)
    channels: Literal["rgb", "bgr"]
    mean: tuple[_Mean, _Mean, _Mean]
    std: tuple[_Deviation, _Deviation, _Deviation]
    licence: str
    source: str
    score_at_fmr: tuple[tuple[_Rate, _Cosine], ...] = Field(default=(), max_length=1000)
    """Two points at least, or none."""
    genuine_scores: tuple[_Cosine, ...] = Field(default=(), max_length=1000)
    training: dict[str, Any] = {}
    """Figures for people: what it was trained on, how, and what it reached."""

    @field_validator("score_at_fmr")
    @classmethod
    def _is_a_curve(cls, points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if len(points) == 1:
            raise ValueError("two points at least are needed, or none")
        for (rate, score), (next_rate, next_score) in pairwise(points):
            if next_rate > _MAX_RATE_RATIO * rate or next_score - score < MIN_SCORE_STEP * (1 - 1e-6):
                raise ValueError(
                    f"rates must fall and scores rise, by 1 % and by {MIN_SCORE_STEP:g} at least:"
                    f" [{rate:g}, {score:g}] comes before [{next_rate:g}, {next_score:g}]"
                )
        return points

    @field_validator("genuine_scores")
    @classmethod
    def _are_quantiles(cls, scores: tuple[float, ...]) -> tuple[float, ...]:
        if len(scores) == 1:
            raise ValueError("two quantiles at least are needed, or none")
        for score, next_score in pairwise(scores):
            if next_score < score:
                raise ValueError(f"quantiles must not fall: {score:g} comes before {next_score:g}")
        return scores


def _as_named(path: Path) -> Path:
    return path


def read_onnx(path: Path, *, mirror: bool, checked: Checked = _as_named) -> ModelCard:
    """`path`: of the ONNX file, whose card has its name with `.json`, or of the card itself.

    Whether the card fits the file is found out when it is loaded. Raises CardUnusable (also where a part of
    the network is in other files), WeightsMissing.
    """
    card, weights = _read(path, ".onnx", checked)
    pixels = Pixels(channels=card.channels, mean=card.mean, std=card.std)
    made = _made(
        card, weights, "onnx", str(pixels), pixels=pixels, mirror=mirror, opened_as=f"{ONNX}{path.absolute()}"
    )
    onnx_file.check_self_contained(weights)
    return made


def read_trained(path: Path, *, mirror: bool, checked: Checked = _as_named) -> ModelCard:
    """`path`: of the safetensors file that `gemel train` made, or of its card.

    Raises CardUnusable where they do not fit one another, or a file is not there.
    """
    card, weights = _read(path, ".safetensors", checked)
    return made_of_trained(card, weights, mirror=mirror, opened_as=f"{TRAINED}{path.absolute()}")


def made_of_trained(card: CardFile, weights: Path, *, mirror: bool, opened_as: str = "") -> ModelCard:
    """Raises CardUnusable where the card does not fit the safetensors file."""
    from indexer.embedding.backbones import registry

    backbone = registry.BACKBONES.get(card.architecture or "")
    if backbone is None:
        raise CardUnusable(
            f"{weights}: architecture: {card.architecture!r} is none of {', '.join(registry.BACKBONES)}",
            path=str(weights),
        )
    if backbone.template != card.template:
        raise CardUnusable(
            f"{weights}: {card.architecture} takes faces of {backbone.template}, and not {card.template}",
            path=str(weights),
        )
    registry.check_shapes(weights, card.architecture or "", card.dimension)
    return _made(
        card,
        weights,
        card.architecture or "",
        backbone.normalisation,
        pixels=None,
        mirror=mirror,
        opened_as=opened_as,
    )


def _read(path: Path, ending: str, checked: Checked) -> tuple[CardFile, Path]:
    """The card and where its weights are."""
    beside = path if path.suffix == ".json" else path.with_suffix(".json")
    try:
        with open_regular(checked(beside)) as file:
            written = file.read(MAX_CARD_BYTES + 1)
        if len(written) > MAX_CARD_BYTES:
            raise CardUnusable(f"the card {beside} has more than {MAX_CARD_BYTES} bytes", path=str(beside))
        card = CardFile.model_validate_json(written)
    except OSError as error:
        raise CardUnusable(f"the card {beside} cannot be read: {error.strerror}", path=str(beside)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise CardUnusable(f"{beside}: {where}: {first['msg']}", path=str(beside)) from error
    if int(card.template.split("-")[1]) != card.input_px:
        raise CardUnusable(
            f"{beside}: the template {card.template} does not give faces of {card.input_px} pixels",
            path=str(beside),
        )
    if card.file is not None:
        weights = beside.parent / card.file
    else:
        weights = beside.with_suffix(ending) if path.suffix == ".json" else path
    return card, checked(weights)


def _made(
    card: CardFile,
    weights: Path,
    architecture: str,
    normalisation: str,
    *,
    pixels: Pixels | None,
    mirror: bool,
    opened_as: str,
) -> ModelCard:
    return ModelCard(
        name=card.name,
        architecture=architecture,
        weights=WeightFile(distribution=None, name=str(weights), sha256=sha256(weights)),
        dimension=card.dimension,
        template=card.template,
        normalisation=normalisation,
        pixels=pixels,
        mirror=mirror,
        score_at_fmr=card.score_at_fmr,
        genuine_scores=card.genuine_scores,
        licence=card.licence,
        source=card.source,
        opened_as=opened_as,
    )
