"""The options of a training run. The same options and data give the same weights on the same CPU."""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from indexer.embedding.backbones.registry import BACKBONES
from indexer.embedding.card_file import NAME_PATTERN
from indexer.errors import InvalidRequest
from indexer.training.data.augment import BY_NAME
from indexer.training.loss.contrastive import Distance
from indexer.training.loss.pairs import Negatives
from indexer.training.recipes import Precision, Recipe

_SEEDS = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class Options(Recipe):
    data: Path
    out: Path
    backbone: str
    dimension: int = 128
    warmup_steps: int = 50
    validation: float = 0.2
    """Share of the identities that are held out for validation."""
    validation_faces: int = 1500
    """Largest number of faces in a validation, of whole identities."""
    seed: int = 0
    precision: Precision = "float32"
    compile: bool = False
    device: str | None = None
    name: str = "siamese"
    """The name of the exported model."""

    def check(self) -> None:
        """Raises InvalidRequest."""
        if self.backbone not in BACKBONES:
            raise InvalidRequest(
                f"backbone: {self.backbone!r} is not one of {', '.join(BACKBONES)}", field="backbone"
            )
        if self.augment not in BY_NAME:
            raise InvalidRequest(
                f"augment: {self.augment!r} is not one of {', '.join(BY_NAME)}", field="augment"
            )
        for field, kinds in (("distance", Distance), ("negatives", Negatives), ("precision", Precision)):
            if getattr(self, field) not in get_args(kinds):
                raise InvalidRequest(
                    f"{field}: {getattr(self, field)!r} is not one of {', '.join(get_args(kinds))}",
                    field=field,
                )
        if not re.fullmatch(NAME_PATTERN, self.name):
            raise InvalidRequest(
                f"name: {self.name!r} is not a model name: use a-z, 0-9, '.', '_', '-'", field="name"
            )
        if self.distillation and BACKBONES[self.backbone].published is None:
            raise InvalidRequest(
                f"distillation: {self.backbone} has no published weights", field="distillation"
            )
        if self.centre and BACKBONES[self.backbone].published is None:
            raise InvalidRequest(f"centre: {self.backbone} has no published weights", field="centre")
        if self.blend < 1 and BACKBONES[self.backbone].published is None:
            raise InvalidRequest(f"blend: {self.backbone} has no published weights", field="blend")
        if self.freeze and BACKBONES[self.backbone].published is None:
            raise InvalidRequest(f"freeze: {self.backbone} has no published weights", field="freeze")
        for field, valid, range_ in (
            ("freeze", self.freeze >= 0, "0 or more"),
            ("margin", 0 < self.margin < math.inf, "above 0"),
            ("blend", 0 < self.blend <= 1, "above 0 and at most 1"),
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
            if not valid:
                raise InvalidRequest(f"{field} must be {range_}, but is {getattr(self, field)}", field=field)

    @property
    def of_the_run(self) -> dict[str, Any]:
        """The options without folders and device: what a resumed run has in common with the one before."""
        return {key: value for key, value in self.as_json().items() if key not in ("out", "data", "device")}

    def as_json(self) -> dict[str, Any]:
        return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}

    @property
    def digest(self) -> str:
        """A digest of everything that changes the weights: only a run with the same digest resumes a
        checkpoint."""
        relevant = {key: value for key, value in self.of_the_run.items() if key != "name"}
        return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()
