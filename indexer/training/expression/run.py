"""A training run: features, leave-subjects-out, the heads of everybody, and their files."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.embedding.card_file import NAME_PATTERN
from indexer.errors import InvalidRequest
from indexer.evaluation.attributes.expression.data import LabelledPicture
from indexer.pipeline.pipeline import Pipeline
from indexer.training.expression.export import export
from indexer.training.expression.features import features_of
from indexer.training.expression.folds import ComparisonResult, fit_heads, leave_subjects_out

STEPS = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionOptions:
    data: Path
    out: Path
    name: str = "expression"
    steps: int = STEPS
    seed: int = 0

    def check(self) -> None:
        """Raises InvalidRequest."""
        if not re.fullmatch(NAME_PATTERN, self.name):
            raise InvalidRequest(f"name: {self.name!r} is not a model name: use a-z, 0-9, '.', '_', '-'")
        if self.steps < 1:
            raise InvalidRequest(f"steps must be above 0, but is {self.steps}", field="steps")


def train(
    options: ExpressionOptions,
    pictures: tuple[LabelledPicture, ...],
    pipeline: Pipeline,
    weights: bytes,
    progress: Callable[[int], object],
) -> tuple[ComparisonResult, Path]:
    """The figures and the card's path. `weights`: of the published network. The caller holds the lock of the
    run's folder. Raises InvalidRequest, OSError."""
    features = features_of(pipeline, weights, pictures, progress)
    result = leave_subjects_out(features, steps=options.steps, seed=options.seed)
    names = sorted(set(features.expressions.tolist()))
    everybody = np.ones(len(features.pictures), np.bool_)
    heads = fit_heads(features, names, everybody, steps=options.steps, seed=options.seed)
    card = export(
        options.out,
        options.name,
        heads,
        result,
        temperature=result.temperature,
        data=options.data.resolve().name,
    )
    return result, card
