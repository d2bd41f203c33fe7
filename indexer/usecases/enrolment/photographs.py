"""How much the next photograph of a person would help, by measured figures.

LFW by SFace, mirrored: the 311 people with six photographs or more, 1 to 5 of them enrolled, among 1,369
others with one photograph each; the same searches at each number, for five other photographs at most; the
threshold at an FPIR of 1 % with 4,069 strangers; the mean of eight draws. On harder photographs of other
people more are missed, and photographs help too: 16.3 % with one, 6.9 % with three, 5.3 % with five.
"""

from dataclasses import dataclass

from indexer.types import PersonScore

MISSED = {
    PersonScore.FUSED: (0.0945, 0.0296, 0.0155, 0.0111, 0.0091),
    PersonScore.NEAREST: (0.0945, 0.0367, 0.0212, 0.0152, 0.0128),
}
"""Share of searches that miss the person, by the number of photographs, from 1 on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    photographs: int
    """Enrolled ones of the person."""
    missed: float | None
    """Share of searches that missed people with so many, 0 to 1; with more than five, of those with five.
    None without a photograph."""
    missed_with_one_more: float | None
    """None where it was not measured."""
    advice: str


def guidance(photographs: int, person_score: PersonScore) -> Guidance:
    table = MISSED[person_score]
    if photographs == 0:
        missed, advice = None, "Without a photograph the person cannot be found."
    else:
        missed = table[min(photographs, len(table)) - 1]
        advice = f"With {_counted(min(photographs, len(table)))}, {missed:.1%} of searches missed the person"
    more = table[photographs] if photographs < len(table) else None
    if more is None:
        advice += ". How much further photographs help was not measured."
    elif photographs:
        advice += f"; with {photographs + 1}, {more:.1%}. (Measured on LFW.)"
    return Guidance(photographs=photographs, missed=missed, missed_with_one_more=more, advice=advice)


def _counted(photographs: int) -> str:
    return "one photograph" if photographs == 1 else f"{photographs} photographs"
