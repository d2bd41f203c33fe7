"""What a training run is, in numbers: the same numbers and data make the same weights on the same CPU."""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from indexer.embedding.backbones.registry import BACKBONES
from indexer.embedding.card_file import NAME_PATTERN
from indexer.errors import InvalidRequest
from indexer.training.data.augment import BY_NAME
from indexer.training.loss.contrastive import Distance
from indexer.training.loss.pairs import Negatives

_SEEDS = 2**32

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    data: Path
    out: Path
    backbone: str = "sface"
    dimension: int = 128
    distance: Distance = "cosine"
    margin: float = 1.1
    """m of the loss. Distances of `cosine` run from 0 to 2, and those of strangers lie about sqrt(2)."""
    negatives: Negatives = "semihard"
    steps: int = 1000
    pairs: int = 32
    """Of one person, in a batch of one process; as many faces of people with one picture are added."""
    learning_rate: float = 1e-4
    warmup_steps: int = 50
    weight_decay: float = 1e-4
    distillation: float = 0.0
    """Weight of the squared distance to what the published weights make of the undisturbed face; keeps what
    they learned from millions, and teaches a bad picture what they see in a good one."""
    centre: bool = False
    """Begin with the published embeddings moved so that those of the training faces lie about the origin:
    what all faces have in common says nothing of who they are, and raises the scores of strangers."""
    blend: float = 1.0
    """Share of what was learned in what is validated and comes out: the weights before the first step plus
    this share of what training changed in them (WiSE-FT, Wortsman et al. 2022, "Robust fine-tuning of
    zero-shot models"; a half is what they recommend untried)."""
    freeze: int = 0
    """Stages from the picture on that stay as they are: nothing is learned in them, which makes them cheap.
    Of sface's 17, the first 6 are those with many pixels."""
    augment: str = "full"
    validation: float = 0.2
    """Share of the identities that are never trained on."""
    validation_faces: int = 1500
    """At most so many of their faces are looked at, whole identities."""
    evaluate_every: int = 100
    """Steps between two validations, each with a checkpoint."""
    patience: int = 8
    """Validations without a better one before it ends early."""
    seed: int = 0
    precision: Precision = "float32"
    compile: bool = False
    device: str | None = None
    name: str = "twins"
    """Of the model that comes out."""

    def check(self) -> None:
        """Raises InvalidRequest."""
        if self.backbone not in BACKBONES:
            raise InvalidRequest(
                f"backbone: {self.backbone!r} is none of {', '.join(BACKBONES)}", field="backbone"
            )
        if self.augment not in BY_NAME:
            raise InvalidRequest(
                f"augment: {self.augment!r} is none of {', '.join(BY_NAME)}", field="augment"
            )
        for field, kinds in (("distance", Distance), ("negatives", Negatives), ("precision", Precision)):
            if getattr(self, field) not in get_args(kinds):
                raise InvalidRequest(
                    f"{field}: {getattr(self, field)!r} is none of {', '.join(get_args(kinds))}", field=field
                )
        if not re.fullmatch(NAME_PATTERN, self.name):
            raise InvalidRequest(
                f"name: {self.name!r} is no name of a model: a-z, 0-9, '.', '_', '-'", field="name"
            )
        if self.distillation and BACKBONES[self.backbone].published is None:
            raise InvalidRequest(
                f"distillation: {self.backbone} has no published weights", field="distillation"
            )
        if self.centre and BACKBONES[self.backbone].published is None:
            raise InvalidRequest(f"centre: {self.backbone} starts from nothing", field="centre")
        if self.blend < 1 and BACKBONES[self.backbone].published is None:
            raise InvalidRequest(f"blend: {self.backbone} starts from nothing", field="blend")
        if self.freeze and BACKBONES[self.backbone].published is None:
            raise InvalidRequest(f"freeze: {self.backbone} starts from nothing", field="freeze")
        for field, fits, wanted in (
            ("freeze", self.freeze >= 0, "0 or more"),
            ("margin", 0 < self.margin < math.inf, "above 0"),
            ("blend", 0 < self.blend <= 1, "above 0, and 1 at most"),
            ("distillation", 0 <= self.distillation < math.inf, "0 or more"),
            ("weight_decay", 0 <= self.weight_decay < math.inf, "0 or more"),
            ("validation_faces", self.validation_faces > 0, "above 0"),
            ("dimension", 1 < self.dimension <= 4096, "2 to 4096"),
            ("steps", self.steps > 0, "above 0"),
            ("seed", 0 <= self.seed < _SEEDS, f"0 to {_SEEDS - 1:,}"),
            ("patience", self.patience > 0, "above 0"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "above 0"),
            ("pairs", self.pairs > 0, "above 0"),
            ("evaluate_every", self.evaluate_every > 0, "above 0"),
            ("validation", 0 < self.validation < 1, "between 0 and 1"),
        ):
            if not fits:
                raise InvalidRequest(f"{field} must be {wanted}, and is {getattr(self, field)}", field=field)

    def as_json(self) -> dict[str, Any]:
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}

    @property
    def digest(self) -> str:
        """Of all that changes the weights: a checkpoint goes on only where it is the same."""
        mattering = {
            key: value
            for key, value in self.as_json().items()
            if key not in ("out", "data", "name", "device")
        }
        return hashlib.sha256(json.dumps(mattering, sort_keys=True).encode()).hexdigest()
