"""A recorded search in plain English, for somebody who reads it aloud."""

import math
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from indexer.records.audit.search_details import (
    RecordedCandidate,
    RecordedDecision,
    RecordedFace,
    RecordedSearch,
    SearchKind,
)

Named = Callable[[UUID], str]
"""Returns the name of an identity for a sentence."""

CLOSE = 0.03
"""A score this close to the threshold is worth a warning: scores of two photographs of one person often
differ by more."""
POOR = 50.0
"""A component of the quality below this is worth a warning."""
WORTH_MENTIONING = 0.1
"""An expected miss rate from this value on is worth a warning."""

_SOURCES = {
    "gallery": "the gallery's own calibration",
    "model": "the calibration of its model",
    "card": "the figures on the model's card",
}
_REASONS = {
    "face_too_small": "the face is smaller than the gallery's policy allows",
    "face_blurred": "the face is more blurred than the gallery's policy allows",
    "face_unrecognisable": "the face is less recognisable than the gallery's policy allows",
    "not_live": "the face looked like a print or a screen, which the gallery's policy rejects",
    "liveness_unclear": "it could not be judged whether the face was a person's or a print's, which the"
    " gallery's policy rejects",
}
_REASONS_OF_A_PAIR = {
    "not_live": "the face of the {} photograph looked like a print or a screen",
    "liveness_unclear": "it could not be judged whether the face of the {} photograph was a person's or a"
    " print's",
}


def of_request(search: RecordedSearch, gallery: str | None, named: Named) -> str:
    """The request."""
    among = f"the {search.gallery_size:,} enrolled faces of gallery {gallery}"
    if search.gallery_size == 1:
        among = f"the only enrolled face of gallery {gallery}"
    if search.among is not None:
        chosen = search.among.text or f"too long for the record, with the SHA-256 {search.among.sha256}"
        among = (
            f"{search.searched:,} of the {search.gallery_size:,} enrolled faces of gallery {gallery}, those"
            f" of the people whom the request selected ({chosen})"
        )
    if search.kind is SearchKind.IDENTIFY:
        shown = "no face" if not search.faces_found else _count(search.faces_found, "face")
        searched = len(search.faces)
        which = ""
        if search.faces_found and searched < search.faces_found:
            which = (
                f" The largest {searched} were searched for."
                if searched > 1
                else " The largest was searched for."
            )
        return f"A photograph with {shown} was searched for among {among}.{which}"
    if search.kind is SearchKind.SEARCH:
        return f"An embedding, without its photograph, was searched for among {among}."
    if search.kind is SearchKind.VERIFY_IDENTITY:
        person = named(search.faces[0].candidates[0].identity_id)
        return f"The face of a photograph was compared with {person} in gallery {gallery}."
    return "The faces of two photographs were compared."


def of_threshold(search: RecordedSearch) -> list[str]:
    """Where the threshold came from, and what it means."""
    decision = search.decision
    if decision.requested:
        origin = f"The threshold was {decision.threshold:.3f}, because the request set it."
    else:
        origin = (
            f"The threshold was {decision.threshold:.3f}: {_SOURCES[decision.calibration]}"
            f" {'give' if decision.calibration == 'card' else 'gives'} it for the policy of"
            f" {_of_many(search, decision.target)}."
        )
    return [origin, _meaning(search, decision)]


def of_face(search: RecordedSearch, number: int, named: Named) -> list[str]:
    """Why the answer for a face was what it was."""
    face = search.faces[number]
    if search.kind is SearchKind.VERIFY_PAIR:
        return [_of_pair(search)] if number == 0 else []
    subject = "The embedding" if search.kind is SearchKind.SEARCH else "The face"
    if not face.candidates:
        nobody = "nobody was enrolled" if search.among is None else "the request selected nobody who was"
        return [f"{subject} resembled nobody: {nobody}."]
    first = face.candidates[0]
    sentences = [_verdict(subject, face, search.decision, named), _score(first)]
    if len(face.candidates) > 1:
        sentences.append(_second(face, search.decision.threshold, named))
    return sentences


def warnings(search: RecordedSearch, number: int) -> list[str]:
    """What makes the answer for a face less certain."""
    return [*_quality_warnings(search.faces[number]), *_score_warnings(search, search.faces[number])]


def _verdict(subject: str, face: RecordedFace, decision: RecordedDecision, named: Named) -> str:
    first = face.candidates[0]
    person = named(first.identity_id)
    gap = first.score - decision.threshold
    scored = f"a score of {first.score:.3f}, {abs(gap):.3f} {'above' if gap >= 0 else 'below'} the threshold"
    if face.matched:
        return f"{subject} was matched with {person}: {scored}."
    if face.unmatched_reason is not None:
        reason = _REASONS.get(face.unmatched_reason, face.unmatched_reason)
        return (
            f"{subject} was matched with nobody, whatever the score, because {reason}. The most similar"
            f" person was {person}, with {scored}."
        )
    return f"{subject} was matched with nobody. The most similar person was {person}, with {scored}."


def _score(candidate: RecordedCandidate) -> str:
    if candidate.template_score is None:
        return f"The score is the similarity to the person's nearest enrolled face, {candidate.face_id}."
    return (
        f"The score is the mean of {candidate.face_score:.3f}, the similarity to the person's nearest"
        f" enrolled face, {candidate.face_id}, and {candidate.template_score:.3f}, the similarity to the"
        " mean of the person's faces."
    )


def _second(face: RecordedFace, threshold: float, named: Named) -> str:
    first, second = face.candidates[:2]
    sentence = (
        f"The second most similar person was {named(second.identity_id)}, with a score of {second.score:.3f},"
        f" {first.score - second.score:.3f} less than the first"
    )
    if second.score >= threshold:
        return (
            f"{sentence}. This score reaches the threshold too: the two look alike, or are the same person."
        )
    return f"{sentence} and below the threshold."


def _of_pair(search: RecordedSearch) -> str:
    score = search.pair_score or 0.0
    gap = score - search.decision.threshold
    scored = f"The score is {score:.3f}, {abs(gap):.3f} {'above' if gap >= 0 else 'below'} the threshold."
    reasons = [
        _REASONS_OF_A_PAIR[face.unmatched_reason].format(photograph)
        for face, photograph in zip(search.faces, ("first", "second"), strict=True)
        if face.unmatched_reason is not None
    ]
    if reasons:
        return (
            f"The answer was: no match, whatever the score, because {' and '.join(reasons)}, which the"
            f" request rejects. {scored}"
        )
    verdict = "the same person" if search.faces[0].matched else "different people"
    return f"The answer was: {verdict}. {scored}"


def _meaning(search: RecordedSearch, decision: RecordedDecision) -> str:
    if search.kind in (SearchKind.IDENTIFY, SearchKind.SEARCH):
        events, nouns = "searches for strangers", f" among {_count(search.searched, 'enrolled face')}"
    else:
        events, nouns = "comparisons of two different people", ""
    share = _share(decision.estimate)
    sentence = f"Of {share[1]:,} {events}{nouns}, about {share[0]} would reach this threshold"
    if decision.interval is not None:
        low, high = (_rounded(end * share[1]) for end in decision.interval)
        if low != high:
            sentence += f" ({low} to {high} by the measurement)"
    if not decision.trusted:
        sentence += "; the measurement is too small to support so low a rate, and this is an extrapolation"
    return sentence + "."


def _quality_warnings(face: RecordedFace) -> Iterator[str]:
    quality = face.quality
    if quality is None:
        return
    if quality["size"] < POOR:
        yield f"The face is small: {quality['face_px']:.0f} pixels on its shorter side."
    if quality["sharpness"] < POOR:
        yield "The face is blurred."
    if quality["exposure"] < POOR:
        yield "The face is too dark or too bright."
    if quality["pose"] < POOR:
        yield "The face is turned away from the lens."
    missed = quality.get("expected_miss_rate")
    if missed is not None and missed >= WORTH_MENTIONING:
        yield f"Searches miss about {100 * missed:.0f} of 100 faces of this quality."


def _decided_together(search: RecordedSearch, face: RecordedFace) -> Sequence[RecordedFace]:
    """The faces of a pair; else the face alone."""
    return search.faces if search.kind is SearchKind.VERIFY_PAIR else (face,)


def _score_warnings(search: RecordedSearch, face: RecordedFace) -> Iterator[str]:
    score = search.pair_score
    if score is None and face.candidates:
        score = face.candidates[0].score
    if score is None or any(one.unmatched_reason for one in _decided_together(search, face)):
        return
    if abs(score - search.decision.threshold) < CLOSE:
        yield "The score is close to the threshold: another photograph may fall on its other side."
    if len(face.candidates) > 1 and face.matched:
        first, second = face.candidates[:2]
        if first.score - second.score < CLOSE:
            yield "The first two people are about equally similar: do not rely on which of them is the first."


def _share(rate: float) -> tuple[str, int]:
    """How many of how many: such as 100 of 10,000, and 2 of 10,000,000."""
    base = 10_000
    while rate > 0 and rate * base < 1 and base < 10**12:
        base *= 10
    return _rounded(rate * base), base


def _of_many(search: RecordedSearch, rate: float) -> str:
    count, base = _share(rate)
    if search.kind in (SearchKind.IDENTIFY, SearchKind.SEARCH):
        return f"{count} false alarms in {base:,} searches"
    return f"{count} false matches in {base:,} comparisons"


def _rounded(count: float) -> str:
    if count < 1:
        return "0" if count < 0.05 else f"{count:.1f}"
    digits = max(0, math.floor(math.log10(count)) - 1)
    return f"{round(count / 10**digits) * 10**digits:,}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"
