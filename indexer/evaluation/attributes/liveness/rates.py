"""The rates of ISO/IEC 30107-3, of the head and of each of its networks.

A presentation without an answer is counted as the policy `reject` treats it: nobody gets in. It is an error
for a person, and none for an attack. How many have no answer is stated beside it, and what the rates are
among the others.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.attributes.liveness.answers import Answer
from indexer.evaluation.attributes.liveness.presentations import BONA_FIDE
from indexer.evaluation.intervals import RESAMPLES, Interval, draws, interval, interval_of


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRates:
    """Of one kind of presentation."""

    presentations: int
    unanswered: dict[str, int]
    """By reason."""
    error: float
    """APCER of a kind of attack: the share that is taken for a person. BPCER of people: the share that is
    taken for an attack, or has no answer."""
    error_interval: Interval | None
    error_of_answered: float | None
    """Among those with an answer; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LivenessRates:
    detector: str
    """`live`, the head's own, or one of its networks."""
    threshold: float
    bona_fide: KindRates
    attacks: dict[str, KindRates]
    bpcer: float
    bpcer_interval: Interval | None
    apcer: dict[str, float]
    apcer_intervals: dict[str, Interval | None]
    worst_attack: str
    """The kind with the highest APCER."""
    acer: float
    """Mean of BPCER and the highest APCER."""
    acer_interval: Interval | None
    cannot_tell: float
    """Share of all presentations without an answer."""
    auc: float | None
    """How often a person scores higher than an attack, of those with an answer: no threshold has a part in
    it."""


def measure(answers: Sequence[Answer], detector: str, threshold: float) -> LivenessRates:
    """At least `threshold` is a person. `answers`: of people and of at least one attack."""
    scores = np.array([answer.scores.get(detector, np.nan) for answer in answers])
    accepted = scores >= threshold  # NaN is not
    kinds = np.array([answer.presentation.kind for answer in answers])
    names = list(dict.fromkeys(kind for kind in kinds.tolist() if kind != BONA_FIDE))
    people = kinds == BONA_FIDE
    wrong = np.where(people, ~accepted, accepted)
    # Attacks that were made from one picture are drawn together.
    _, sources = np.unique([str(answer.presentation.file) for answer in answers], return_inverse=True)
    drawn = list(draws(sources, RESAMPLES, 0))
    rates = {kind: _of_kind(answers, kinds == kind, wrong, drawn, sources) for kind in (BONA_FIDE, *names)}
    attacks = {name: rates[name] for name in names}
    worst = max(names, key=lambda name: attacks[name].error)
    bona_fide = rates[BONA_FIDE]
    return LivenessRates(
        detector=detector,
        threshold=threshold,
        bona_fide=bona_fide,
        attacks=attacks,
        bpcer=bona_fide.error,
        bpcer_interval=bona_fide.error_interval,
        apcer={name: attack.error for name, attack in attacks.items()},
        apcer_intervals={name: attack.error_interval for name, attack in attacks.items()},
        worst_attack=worst,
        acer=(bona_fide.error + attacks[worst].error) / 2,
        acer_interval=interval([_acer(wrong, kinds, names, weights) for weights in drawn]),
        cannot_tell=float(np.isnan(scores).mean()),
        auc=auc(scores[people], scores[~people]),
    )


def auc(people: NDArray[np.float64], attacks: NDArray[np.float64]) -> float | None:
    """The area under the ROC curve, without NaN; ties count half."""
    people, attacks = people[~np.isnan(people)], np.sort(attacks[~np.isnan(attacks)])
    if not len(people) or not len(attacks):
        return None
    below = np.searchsorted(attacks, people, side="left")
    up_to = np.searchsorted(attacks, people, side="right")
    return float((below + up_to).mean() / 2 / len(attacks))


def _of_kind(
    answers: Sequence[Answer],
    rows: NDArray[np.bool_],
    wrong: NDArray[np.bool_],
    drawn: Sequence[NDArray[np.int64]],
    sources: NDArray[np.int64],
) -> KindRates:
    reasons = [answer.why_none for answer, row in zip(answers, rows, strict=True) if row]
    answered = np.array([reason is None for reason in reasons])
    error = float(wrong[rows].mean())
    resampled = [_share(wrong[rows], weights[rows]) for weights in drawn]
    return KindRates(
        presentations=len(reasons),
        unanswered=dict(Counter(reason for reason in reasons if reason is not None)),
        error=error,
        error_interval=interval_of(error, resampled, len(np.unique(sources[rows]))),
        error_of_answered=float(wrong[rows][answered].mean()) if answered.any() else None,
    )


def _acer(
    wrong: NDArray[np.bool_], kinds: NDArray[np.str_], names: Sequence[str], weights: NDArray[np.int64]
) -> float:
    apcers = [_share(wrong[kinds == name], weights[kinds == name]) for name in names]
    return (_share(wrong[kinds == BONA_FIDE], weights[kinds == BONA_FIDE]) + max(apcers)) / 2


def _share(wrong: NDArray[np.bool_], weights: NDArray[np.int64]) -> float:
    total = int(weights.sum())
    return float(weights[wrong].sum()) / total if total else float("nan")
