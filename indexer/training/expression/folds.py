"""Leave-subjects-out: each person is estimated by heads that were trained on others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidRequest
from indexer.evaluation.intervals import RESAMPLES, Interval, draws, interval, interval_of
from indexer.training.expression.features import LabelledFeatures
from indexer.training.expression.model import Examples, SmallHead, fit, probabilities
from indexer.training.expression.references import references

FOLDS = 5
TEMPERATURES = np.geomspace(0.2, 5, 100).round(3)
PUBLISHED, ALONE, COMPARISON, BOTH = "published network", "face alone", "comparison", "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRates:
    method: str
    accuracy: float
    """Every picture counts; one without a face is wrong."""
    interval: Interval | None
    confusion: dict[str, dict[str, int]]
    """Number of pictures with a face by true expression, then by answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonResult:
    pictures: int
    people: int
    no_face: int
    without_reference: int
    """Pictures of which the comparison answers as the face alone."""
    methods: tuple[MethodRates, ...]
    gain: float
    """Accuracy of both minus that of the face alone."""
    gain_interval: Interval | None
    temperature: float
    """Of the face alone: fitted by likelihood on people who were not trained on."""

    @property
    def comparison_helps(self) -> bool:
        """Whether the whole interval of the gain is above 0."""
        return self.gain_interval is not None and self.gain_interval[0] > 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Heads:
    expressions: tuple[str, ...]
    """In the order of the outputs."""
    alone: SmallHead
    comparison: SmallHead


def fit_heads(
    features: LabelledFeatures, names: list[str], rows: NDArray[np.bool_], *, steps: int, seed: int
) -> Heads:
    """Heads trained on `rows` (n,) of the features. `names`: of the expressions, in the order of outputs."""
    labels = np.array([names.index(each) for each in features.expressions], np.int64)
    compared, has = references(features.faces, features.people, features.expressions)
    mirrored, _ = references(features.mirrored, features.people, features.expressions)
    usable = rows & has

    def both(
        one: NDArray[np.float32], other: NDArray[np.float32], chosen: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        return np.concatenate([one[chosen], other[chosen]])

    alone = Examples(
        faces=both(features.faces, features.mirrored, rows),
        references=None,
        labels=np.tile(labels[rows], 2),
    )
    pairs = Examples(
        faces=both(features.faces, features.mirrored, usable),
        references=both(compared, mirrored, usable),
        labels=np.tile(labels[usable], 2),
    )
    return Heads(
        expressions=tuple(names),
        alone=fit(alone, len(names), steps=steps, seed=seed),
        comparison=fit(pairs, len(names), steps=steps, seed=seed + 1),
    )


def leave_subjects_out(features: LabelledFeatures, *, steps: int, seed: int) -> ComparisonResult:
    """Raises InvalidRequest if there are fewer people than folds, or fewer than two expressions, or if
    nobody has a reference."""
    names = sorted(set(features.expressions.tolist()))
    people, person = np.unique(features.people, return_inverse=True)
    compared, has = references(features.faces, features.people, features.expressions)
    _check(len(people), len(names), has)
    fold = (np.random.default_rng(seed).permutation(len(people)) % FOLDS)[person]
    alone = np.zeros((len(fold), len(names)), np.float32)
    comparison = np.zeros_like(alone)
    for number in range(FOLDS):
        held = fold == number
        heads = fit_heads(features, names, ~held, steps=steps, seed=seed)
        alone[held] = probabilities(heads.alone, features.faces[held], None)
        comparison[held] = probabilities(heads.comparison, features.faces[held], compared[held])
    comparison[~has] = alone[~has]
    named = np.array(names)
    answers = {
        PUBLISHED: np.array(features.published),
        ALONE: named[alone.argmax(axis=1)],
        COMPARISON: named[comparison.argmax(axis=1)],
        BOTH: named[(alone + comparison).argmax(axis=1)],
    }
    labels = np.searchsorted(named, features.expressions)
    return _result(features, answers, int((~has).sum()), _temperature(alone, labels))


def _check(people: int, expressions: int, has_reference: NDArray[np.bool_]) -> None:
    if people < FOLDS:
        raise InvalidRequest(
            f"training needs at least {FOLDS} people, and found {people}: the part of a file's name"
            " before the first _ is the person",
            people=people,
        )
    if expressions < 2:
        raise InvalidRequest("training needs at least two expressions", expressions=expressions)
    if has_reference.sum() < FOLDS:
        raise InvalidRequest("a comparison needs people with several expressions, or with neutral pictures")


def _result(
    features: LabelledFeatures,
    answers: dict[str, NDArray[np.str_]],
    without_reference: int,
    temperature: float,
) -> ComparisonResult:
    missed = [picture.person for picture in features.undetected]
    _, person = np.unique([*features.people, *missed], return_inverse=True)
    right = {
        method: np.concatenate([given == features.expressions, np.zeros(len(missed), np.bool_)])
        for method, given in answers.items()
    }
    weights = list(draws(person, RESAMPLES, 0))
    gain = right[BOTH].astype(np.int64) - right[ALONE]
    count = int(person.max()) + 1
    return ComparisonResult(
        pictures=len(person),
        people=count,
        no_face=len(missed),
        without_reference=without_reference,
        methods=tuple(
            MethodRates(
                method=method,
                accuracy=float(hits.mean()),
                interval=interval_of(float(hits.mean()), [_mean(hits, each) for each in weights], count),
                confusion=_confusion(features, answers[method]),
            )
            for method, hits in right.items()
        ),
        gain=float(gain.mean()),
        gain_interval=interval([_mean(gain, each) for each in weights]),
        temperature=temperature,
    )


def _temperature(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """By which the logits are divided so that the labels (n,) are most likely (Guo et al. 2017)."""
    logs = np.log(np.maximum(probabilities, 1e-12))
    own = np.arange(len(labels))

    def unlikelihood(temperature: float) -> float:
        scaled = logs / temperature
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[own, labels]).mean())

    return float(min(TEMPERATURES, key=unlikelihood))


def _mean(values: NDArray[np.bool_] | NDArray[np.int64], weights: NDArray[np.int64]) -> float:
    return float((weights * values).sum() / weights.sum())


def _confusion(features: LabelledFeatures, answers: NDArray[np.str_]) -> dict[str, dict[str, int]]:
    given = sorted(set(answers.tolist()) | set(features.expressions.tolist()))
    return {
        name: {answer: int(((features.expressions == name) & (answers == answer)).sum()) for answer in given}
        for name in sorted(set(features.expressions.tolist()))
    }
