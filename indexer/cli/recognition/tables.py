"""Answers of `gemel identify`, for people."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Column, Table

from indexer.cli.output import describe_quality, escape_text, out, quantity

if TYPE_CHECKING:
    from indexer.usecases.answers.identify import Candidate, IdentifyAnswer, IdentityRef
    from indexer.usecases.answers.identify_in_several import IdentifyInSeveralAnswer, SearchedGallery
    from indexer.usecases.searches.match_limits import UnmatchedReason

_WIDE = 100
"""Width in columns from which a terminal has room for external ids too."""


def empty_table(*, several: bool, metadata: bool) -> Table:
    """For `add_rows`. `several`: galleries."""
    columns = ["Image", "Face", "Quality", "Name", "External id", "Score", "Nearest, template", "Matched"]
    if out.width < _WIDE:
        columns.remove("External id")
        columns.remove("Nearest, template")
    if several:
        columns.insert(columns.index("Name"), "Gallery")
    if metadata:
        columns.append("Metadata")
    return Table(*(Column(name, overflow="fold") for name in columns))


def summary(answer: "IdentifyAnswer | SearchedGallery") -> str:
    """Among how many enrolled faces was searched, and the threshold."""
    return (
        f"{_describe_searched(answer)}; threshold {answer.threshold:.3f}, {_describe_fpir(answer)}; model"
        f" {answer.model}"
    )


def _describe_searched(answer: "IdentifyAnswer | SearchedGallery") -> str:
    if answer.faces_searched == answer.gallery_size:
        return f"searched among {quantity(answer.gallery_size, 'enrolled face')}"
    return f"searched among {answer.faces_searched:,} of {quantity(answer.gallery_size, 'enrolled face')}"


def _describe_fpir(answer: "IdentifyAnswer | SearchedGallery") -> str:
    estimate = f"estimated FPIR {answer.estimated_fpir:.2g}"
    if answer.estimated_fpir_interval:
        low, high = answer.estimated_fpir_interval
        estimate += f" ({low:.2g} to {high:.2g})"
    source = "model card" if answer.calibration == "card" else f"{answer.calibration}'s calibration"
    return f"{estimate} by the {source}" + ("" if answer.fpir_trusted else ", extrapolated")


def _describe_unmatched(reason: "UnmatchedReason | None") -> str:
    return "no" if reason is None else f"no: {reason.value.removeprefix('face_').replace('_', ' ')}"


def _describe_parts(candidate: "Candidate") -> str:
    """The two scores that the score is the mean of."""
    if candidate.template_score is None:
        return ""
    return f"{candidate.face_score:.3f}, {candidate.template_score:.3f} of {candidate.template_faces}"


def _describe_metadata(candidate: "Candidate") -> str:
    return escape_text(json.dumps(candidate.metadata or {}, ensure_ascii=False))


def add_rows(
    table: Table, image: str, answer: "IdentifyAnswer | IdentifyInSeveralAnswer", *, metadata: bool
) -> None:
    from indexer.usecases.answers.identify import ProbeFace
    from indexer.usecases.answers.identify_in_several import (
        GalleryCandidate,
        GalleryProbeFace,
        IdentifyInSeveralAnswer,
    )

    searched = answer.galleries if isinstance(answer, IdentifyInSeveralAnswer) else [answer]
    if not answer.faces:
        table.add_row(escape_text(image), "", "", "[dim]no face[/]")
    faces: Sequence[ProbeFace | GalleryProbeFace] = answer.faces
    for number, face in enumerate(faces, start=1):
        quality = describe_quality(face.quality.score, face.quality.expected_miss_rate)
        cells = (escape_text(image) if number == 1 else "", str(number), quality)
        if not face.candidates:
            table.add_row(*cells, f"[dim]{_describe_nobody(searched)}[/]")
        candidates: Sequence[Candidate] = face.candidates
        for candidate in candidates:
            identity = candidate.identity
            names, parts = _describe_person(identity), [_describe_parts(candidate)]
            if out.width < _WIDE:
                names, parts = [escape_text(identity.name or identity.external_id or str(identity.id))], []
            reason = face.unmatched_reason if isinstance(face, ProbeFace) else None
            gallery = []
            if isinstance(candidate, GalleryCandidate):
                gallery, reason = [candidate.gallery], candidate.unmatched_reason
            table.add_row(
                *cells,
                *gallery,
                *names,
                f"{candidate.score:.3f}",
                *parts,
                "[green]yes[/]" if candidate.matched else _describe_unmatched(reason),
                *([_describe_metadata(candidate)] if metadata else []),
            )
            cells = ("", "", "")


def _describe_person(identity: "IdentityRef") -> list[str]:
    """Name and external id; the id in parentheses where both are missing, for the commands that need it."""
    if not identity.name and not identity.external_id:
        return ["[dim]unnamed[/]" if identity.anonymous else "", f"({identity.id})"]
    return [escape_text(identity.name or ""), escape_text(identity.external_id or "")]


def _describe_nobody(searched: "Sequence[IdentifyAnswer | SearchedGallery]") -> str:
    if any(one.faces_searched for one in searched):
        return "no other person"
    if any(one.gallery_size for one in searched):
        return "nobody is selected"
    return "the gallery is empty"
