"""The card of a model of one's own: a small JSON file beside its ONNX file.

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

`python -m benchmarks.card_figures` measures `score_at_fmr` and `genuine_scores`, which it may have too.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from indexer.embedding.card import ModelCard, Pixels
from indexer.embedding.weights import WeightFile, sha256
from indexer.errors import CardUnusable

_Three = tuple[float, float, float]
_Positive = Annotated[float, Field(gt=0)]


class _Card(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    file: str | None = None
    """Of the weights, from the card's folder; without it, the card's own name with `.onnx`."""
    template: Literal["arcface-112-v1", "dlib-150-v1"]
    input_px: int = Field(gt=0)
    dimension: int = Field(gt=0, le=4096)
    channels: Literal["rgb", "bgr"]
    mean: _Three
    std: tuple[_Positive, _Positive, _Positive]
    licence: str
    source: str
    score_at_fmr: tuple[tuple[float, float], ...] = ()
    genuine_scores: tuple[float, ...] = ()


def read(path: Path, *, mirror: bool) -> ModelCard:
    """`path`: of the ONNX file, whose card has its name with `.json`, or of the card itself.

    Whether the card fits the file is found out when it is loaded. Raises CardUnusable, WeightsMissing.
    """
    beside = path if path.suffix == ".json" else path.with_suffix(".json")
    try:
        card = _Card.model_validate_json(beside.read_bytes())
    except OSError as error:
        raise CardUnusable(f"the card {beside} cannot be read: {error.strerror}", path=str(beside)) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise CardUnusable(f"{beside}: {where}: {first['msg']}", path=str(beside)) from error
    weights = path if path.suffix != ".json" else beside.with_suffix(".onnx")
    if card.file is not None:
        weights = beside.parent / card.file
    pixels = Pixels(channels=card.channels, mean=card.mean, std=card.std)
    made = ModelCard(
        name=card.name,
        architecture="onnx",
        weights=WeightFile(distribution=None, name=str(weights), sha256=sha256(weights)),
        dimension=card.dimension,
        template=card.template,
        normalisation=str(pixels),
        pixels=pixels,
        mirror=mirror,
        score_at_fmr=card.score_at_fmr,
        genuine_scores=card.genuine_scores,
        licence=card.licence,
        source=card.source,
        opened_as=f"onnx:{path.absolute()}",
    )
    if made.side_px != card.input_px:
        raise CardUnusable(
            f"{beside}: the template {card.template} does not give faces of {card.input_px} pixels",
            path=str(beside),
        )
    return made
