"""Validation: how well the network identifies people it is not trained on, clean and at a quarter of the
pixels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.card_file import MIN_SCORE_STEP
from indexer.errors import InvalidRequest
from indexer.evaluation.leave_one_out.searches import NO_SCORE, Searches
from indexer.training.data.dataset import people_of
from indexer.training.data.faces import Faces
from indexer.types import Template, Vectors
from indexer.vision import degrade

FPIR = 0.01
QUARTER = 0.25
RATES = (0.5, 0.1, 1e-2, 1e-3, 1e-4, 1e-5)
_RULE_OF_30 = 30
"""Errors that a rate must rest on to be within 30 % of the truth with 90 % confidence (Doddington 1998)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The rates of leave-one-out identification, as in `evaluation.leave_one_out`."""

    fnir: float
    """At an FPIR of 1 %."""
    rank1: float
    fnir_quarter: float
    """The same with probes reduced to a quarter of their pixels per side. The threshold is that of the clean
    probes, as in a service."""

    @property
    def combined(self) -> float:
        """The mean of both rates, which decides the best step."""
        return (self.fnir + self.fnir_quarter) / 2


class Validation:
    """Faces of people who are held out from training."""

    def __init__(self, faces: Faces, template: Template, *, most: int) -> None:
        """At most `most` faces, of whole identities. Raises InvalidRequest if nobody has two faces."""
        chosen: list[int] = []
        for places in people_of(faces.samples).values():
            if len(chosen) + len(places) <= most:
                chosen.extend(places)
        names = {name: number for number, name in enumerate(sorted({s.identity for s in faces.samples}))}
        self.people = np.array([names[faces.samples[place].identity] for place in chosen], np.int64)
        if not 1 < len(np.unique(self.people)) < len(self.people):
            raise InvalidRequest(
                "validation needs two people, one of them with two faces: add data, or hold out a larger"
                " share"
            )
        self.clean = faces.aligned(chosen, template)

    def figures(self, embed: Callable[[NDArray[np.uint8]], Vectors]) -> Figures:
        """`embed`: from aligned faces to vectors of length 1."""
        enrolled = embed(self.clean)
        quarter = embed(np.stack([degrade.low_resolution(face, QUARTER) for face in self.clean]))
        clean = self._searches(enrolled, enrolled)
        low = self._searches(enrolled, quarter)
        limit = _threshold_at(clean.other, FPIR)
        return Figures(
            fnir=_fnir(clean, limit),
            rank1=float(clean.correct[clean.mated].mean()),
            fnir_quarter=_fnir(low, limit),
        )

    def _searches(self, enrolled: Vectors, probes: Vectors) -> Searches:
        """Each probe against the enrolled faces without its own."""
        own = np.empty(len(probes), np.float32)
        other = np.empty(len(probes), np.float32)
        scores = probes @ enrolled.T
        np.fill_diagonal(scores, NO_SCORE)
        same = self.people[:, None] == self.people[None, :]
        own[:] = np.where(same, scores, NO_SCORE).max(axis=1)
        other[:] = np.where(same, NO_SCORE, scores).max(axis=1)
        return Searches(
            person=self.people,
            mated=same.sum(axis=1) > 1,
            own=own,
            other=other,
            nearest=scores.argmax(axis=1),
        )

    def scores(self, vectors: Vectors) -> tuple[list[tuple[float, float]], list[float]]:
        """The `score_at_fmr` of a card, as far as the pairs support it, and its `genuine_scores` in steps of
        5 %.

        If neighbouring rates have the same score, which happens with few strangers, the higher rate is kept.
        """
        scores = vectors @ vectors.T
        first, second = np.triu_indices(len(vectors), k=1)
        same = self.people[first] == self.people[second]
        strangers = np.sort(scores[first, second][~same])
        at: list[tuple[float, float]] = []
        for rate in RATES:
            score = round(float(strangers[int(np.ceil(len(strangers) * (1.0 - rate))) - 1]), 4)
            if rate * len(strangers) >= _RULE_OF_30 and (not at or score >= at[-1][1] + MIN_SCORE_STEP / 2):
                at.append((rate, min(score, 1.0)))
        genuine = np.quantile(scores[first, second][same], np.linspace(0, 1, 21))
        return at, [round(float(np.clip(score, -1.0, 1.0)), 3) for score in genuine]


def _threshold_at(other: NDArray[np.float32], fpir: float) -> float:
    """The lowest score that a share of at most `fpir` of the non-mated searches exceeds."""
    allowed = int(fpir * len(other) + 1e-9)
    return float(np.sort(other)[len(other) - 1 - allowed])


def _fnir(searches: Searches, limit: float) -> float:
    found = searches.correct & (searches.own > limit)
    return 1.0 - float(found[searches.mated].mean())
