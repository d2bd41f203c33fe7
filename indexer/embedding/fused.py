"""Fused models: several networks side by side, whose embeddings become one vector.

The fused embedding is the parts' embeddings, each multiplied by the square root of its weight, one behind the
other. So its cosine is the weighted mean of the parts' cosines, and nothing else needs to know of the parts.

The card of a custom one is a JSON file, which `fused:` with its path opens:

    {
      "name": "ours",
      "parts": [
        {"model": "safetensors:siamese.safetensors", "weight": 4},
        {"model": "reid0095", "weight": 3, "mirror": false}
      ]
    }

Like the cards of single networks it may have the measured `score_at_fmr`, `fmr_ranges` and `genuine_scores`.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from indexer.embedding.card import ModelCard, Part
from indexer.embedding.card_file import NAME_PATTERN, Checked, MeasuredFile, read_json
from indexer.errors import CardUnusable, ModelUnknown

FUSED = "fused:"
"""Prefix of the names of custom ones; the path of the card follows."""


class ReadModel(Protocol):
    """As `catalog.named`."""

    def __call__(self, name: str, *, mirror: bool, checked: Checked) -> ModelCard: ...


def fuse(
    name: str,
    parts: Sequence[tuple[ModelCard, float]],
    *,
    licence: str | None = None,
    source: str | None = None,
    score_at_fmr: tuple[tuple[float, float], ...] = (),
    fmr_ranges: tuple[tuple[float, float], ...] = (),
    genuine_scores: tuple[float, ...] = (),
    opened_as: str | None = None,
) -> ModelCard:
    """`parts`: cards of single networks, with positive weights of any sum. `licence` and `source`: by default
    those of the parts."""
    cards = [card for card, _ in parts]
    total = sum(weight for _, weight in parts)
    return ModelCard(
        name=name,
        architecture="fused",
        weights=tuple(dict.fromkeys(file for card in cards for file in card.weights)),
        dimension=sum(card.dimension for card in cards),
        template=_listed(card.template for card in cards),
        normalisation=_listed(card.normalisation for card in cards),
        parts=tuple(Part(card=card, weight=weight / total) for card, weight in parts),
        mirror=any(card.mirror for card in cards),
        score_at_fmr=score_at_fmr,
        fmr_ranges=fmr_ranges,
        genuine_scores=genuine_scores,
        licence=licence or _listed(card.licence for card in cards),
        source=source or _listed((card.source for card in cards), "; "),
        opened_as=opened_as,
    )


class PartFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: Annotated[str, Field(pattern=r"^[^\x00]+$")]
    """As in GEMEL_MODEL; the path of a file is relative to the card's folder."""
    weight: float = Field(default=1.0, ge=1e-6, le=1e6)
    mirror: bool = True
    """False: the part never embeds the mirror image, whatever GEMEL_MIRROR says."""


class FusedFile(MeasuredFile):
    name: str = Field(pattern=NAME_PATTERN)
    parts: tuple[PartFile, ...] = Field(min_length=2, max_length=8)
    licence: str | None = None
    source: str | None = None
    """None, like the licence: those of the parts."""


def read_fused(path: Path, named: ReadModel, *, mirror: bool, checked: Checked) -> ModelCard:
    """`path`: of the card. `named`: reads the cards of the parts. Raises CardUnusable, WeightsMissing."""
    file = read_json(path, FusedFile, checked)
    parts = []
    for part in file.parts:
        try:
            card = None
            if not part.model.startswith(FUSED):
                card = named(_beside(path, part.model), mirror=mirror and part.mirror, checked=checked)
        except ModelUnknown as error:
            raise CardUnusable(f"{path}: {error.message}", path=str(path)) from error
        if card is None or card.parts:
            raise CardUnusable(f"{path}: {part.model} has parts itself: name those", path=str(path))
        parts.append((card, part.weight))
    return fuse(
        file.name,
        parts,
        licence=file.licence,
        source=file.source,
        score_at_fmr=file.score_at_fmr,
        fmr_ranges=file.fmr_ranges,
        genuine_scores=file.genuine_scores,
        opened_as=f"{FUSED}{path.absolute()}",
    )


def _beside(card: Path, model: str) -> str:
    """The name of a part, with the path of its file completed."""
    kind, colon, file = model.partition(":")
    return f"{kind}:{card.parent / file}" if colon else model


def _listed(texts: Iterable[str], separator: str = ", ") -> str:
    """Each once."""
    return separator.join(dict.fromkeys(texts))
