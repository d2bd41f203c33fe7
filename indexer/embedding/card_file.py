"""The card of a custom model: a small JSON file beside its weights.

    {
      "name": "mobilefacenet",
      "file": "mobilefacenet.onnx",
      "template": "arcface-112-v2",
      "input_px": 112,
      "dimension": 128,
      "channels": "rgb",
      "mean": [123.675, 116.28, 103.53],
      "std": [58.395, 57.12, 57.375],
      "licence": "Apache-2.0",
      "source": "where it comes from"
    }

It may have `score_at_fmr`, `fmr_ranges` and `genuine_scores`, which `python -m benchmarks.card_figures`
measures. A card of `gemel train` also has `architecture`, the backbone of its safetensors file, and
`training`, how the model was trained. An ONNX file of the same network lies beside it; the card serves both.
"""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from indexer.embedding import onnx_file
from indexer.embedding.card import ModelCard, Pixels
from indexer.errors import CardUnusable
from indexer.files import open_regular
from indexer.weights.file import WeightFile, sha256

ONNX = "onnx:"
TRAINED = "safetensors:"
"""Prefixes of the names of custom models; the path of a file follows."""

MAX_CARD_BYTES = 1_000_000
Checked = Callable[[Path], Path]
"""Called for each file before it is opened: returns the path to open, or raises."""

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_Mean = Annotated[float, Field(ge=-1e6, le=1e6)]
_Deviation = Annotated[float, Field(ge=1e-6, le=1e6)]
_Cosine = Annotated[float, Field(ge=-1, le=1)]
_Rate = Annotated[float, Field(ge=1e-12, le=0.999)]
_Share = Annotated[float, Field(ge=1e-15, le=0.9999)]
MIN_SCORE_STEP = 1e-4
"""From one measured rate to the next: beyond the last one, thresholds follow the slope of the last two."""
_MAX_RATE_RATIO = 0.99
"""Of a measured rate to the previous one."""


class MeasuredFile(BaseModel):
    """What every card may have."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    score_at_fmr: tuple[tuple[_Rate, _Cosine], ...] = Field(default=(), max_length=1000)
    """At least two points, or none."""
    fmr_ranges: tuple[tuple[_Share, _Share], ...] = Field(default=(), max_length=1000)
    """One for each point of `score_at_fmr`, or none."""
    genuine_scores: tuple[_Cosine, ...] = Field(default=(), max_length=1000)

    @field_validator("score_at_fmr")
    @classmethod
    def _is_a_curve(cls, points: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if len(points) == 1:
            raise ValueError("needs at least two points, or none")
        for (rate, score), (next_rate, next_score) in pairwise(points):
            if next_rate > _MAX_RATE_RATIO * rate or next_score - score < MIN_SCORE_STEP * (1 - 1e-6):
                raise ValueError(
                    f"rates must fall by at least 1 % and scores rise by at least {MIN_SCORE_STEP:g}:"
                    f" [{rate:g}, {score:g}] comes before [{next_rate:g}, {next_score:g}]"
                )
        return points

    @field_validator("genuine_scores")
    @classmethod
    def _are_quantiles(cls, scores: tuple[float, ...]) -> tuple[float, ...]:
        if len(scores) == 1:
            raise ValueError("needs at least two quantiles, or none")
        for score, next_score in pairwise(scores):
            if next_score < score:
                raise ValueError(f"quantiles must not fall: {score:g} comes before {next_score:g}")
        return scores

    @model_validator(mode="after")
    def _has_a_range_for_each_rate(self) -> Self:
        if self.fmr_ranges and len(self.fmr_ranges) != len(self.score_at_fmr):
            raise ValueError("fmr_ranges needs one range for each point of score_at_fmr, or none")
        for (rate, _), (low, high) in zip(self.score_at_fmr, self.fmr_ranges, strict=False):
            if not low <= rate <= high:
                raise ValueError(f"fmr_ranges: {rate:g} is not in the range from {low:g} to {high:g}")
        for before, after in pairwise(self.fmr_ranges):
            if after[0] > before[0] or after[1] > before[1]:
                raise ValueError("fmr_ranges must fall with the rates")
        return self


class CardFile(MeasuredFile):
    """The card of a single network."""

    name: str = Field(pattern=NAME_PATTERN)
    file: Annotated[str, Field(pattern=r"^[^\x00]+$")] | None = None
    """The weights, relative to the card's folder. None: the card's own name with the other suffix."""
    architecture: str | None = None
    """One of `backbones.registry.BACKBONES`; an ONNX file brings its own network."""
    template: Literal[
        "arcface-112-v1", "arcface-224-v1", "dlib-150-v1", "arcface-112-v2", "arcface-224-v2", "dlib-150-v2"
    ]
    input_px: int = Field(gt=0)
    dimension: int = Field(gt=0, le=4096)
    channels: Literal["rgb", "bgr"]
    mean: tuple[_Mean, _Mean, _Mean]
    std: tuple[_Deviation, _Deviation, _Deviation]
    licence: str
    source: str
    training: dict[str, Any] = {}
    """For readers: what the model was trained on, how, and its results."""


File = TypeVar("File", bound=MeasuredFile)


def unchecked(path: Path) -> Path:
    return path


def read_onnx(path: Path, *, mirror: bool, checked: Checked = unchecked) -> ModelCard:
    """`path`: of the ONNX file, whose card has the same name with `.json`, or of the card.

    The file is compared with its card when it is loaded. Raises CardUnusable (also if a part of the network
    is in other files), WeightsMissing.
    """
    card, weights = _read(path, ".onnx", checked)
    pixels = Pixels(channels=card.channels, mean=card.mean, std=card.std)
    result = _model_card(
        card, weights, "onnx", str(pixels), pixels=pixels, mirror=mirror, opened_as=f"{ONNX}{path.absolute()}"
    )
    onnx_file.check_self_contained(weights)
    return result


def read_trained(path: Path, *, mirror: bool, checked: Checked = unchecked) -> ModelCard:
    """`path`: of a safetensors file of `gemel train`, or of its card.

    Raises CardUnusable if they do not match or the card is missing, WeightsMissing.
    """
    card, weights = _read(path, ".safetensors", checked)
    return trained_card(card, weights, mirror=mirror, opened_as=f"{TRAINED}{path.absolute()}")


def trained_card(card: CardFile, weights: Path, *, mirror: bool, opened_as: str = "") -> ModelCard:
    """Raises CardUnusable if the card does not match the safetensors file."""
    from indexer.embedding.backbones import registry

    backbone = registry.BACKBONES.get(card.architecture or "")
    if backbone is None:
        raise CardUnusable(
            f"{weights}: architecture: {card.architecture!r} is none of {', '.join(registry.BACKBONES)}",
            path=str(weights),
        )
    if _points(backbone.template) != _points(card.template):
        raise CardUnusable(
            f"{weights}: {card.architecture} takes faces of {backbone.template}, not of {card.template}",
            path=str(weights),
        )
    registry.check_shapes(weights, card.architecture or "", card.dimension)
    return _model_card(
        card,
        weights,
        card.architecture or "",
        backbone.normalisation,
        pixels=None,
        mirror=mirror,
        opened_as=opened_as,
    )


def _points(template: str) -> str:
    """Of a template's name, without its version: whether its landmarks are refined is the card's matter."""
    return template.rpartition("-")[0]


def read_json(path: Path, kind: type[File], checked: Checked) -> File:
    """The content of a card. Raises CardUnusable."""
    try:
        with open_regular(checked(path)) as file:
            content = file.read(MAX_CARD_BYTES + 1)
        if len(content) > MAX_CARD_BYTES:
            raise CardUnusable(f"the card {path} has more than {MAX_CARD_BYTES} bytes", path=str(path))
        return kind.model_validate_json(content)
    except OSError as error:
        raise CardUnusable(f"cannot read the card {path}: {error.strerror}", path=str(path)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the card"
        raise CardUnusable(f"{path}: {where}: {first['msg']}", path=str(path)) from error


def _read(path: Path, suffix: str, checked: Checked) -> tuple[CardFile, Path]:
    """The card, and the path of its weights."""
    card_path = path if path.suffix == ".json" else path.with_suffix(".json")
    card = read_json(card_path, CardFile, checked)
    if int(card.template.split("-")[1]) != card.input_px:
        raise CardUnusable(
            f"{card_path}: input_px is {card.input_px}, which does not match the template {card.template}",
            path=str(card_path),
        )
    if card.file is not None:
        weights = card_path.parent / card.file
    else:
        weights = card_path.with_suffix(suffix) if path.suffix == ".json" else path
    return card, checked(weights)


def _model_card(
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
        weights=(WeightFile(distribution=None, name=str(weights), sha256=sha256(weights)),),
        dimension=card.dimension,
        template=card.template,
        normalisation=normalisation,
        pixels=pixels,
        mirror=mirror,
        score_at_fmr=card.score_at_fmr,
        fmr_ranges=card.fmr_ranges,
        genuine_scores=card.genuine_scores,
        licence=card.licence,
        source=card.source,
        opened_as=opened_as,
    )
