"""What the audit record says of a search: the `details` of its event."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from indexer.errors import InvalidRequest

VERSION = 1
"""Of the JSON. A later version of Gemel reads all earlier ones."""
MAX_FILTER_BYTES = 4_096
"""A longer filter is recorded by its digest only."""
MAX_CANDIDATES = 2
"""Of each face: the first, and the second for the margin between them."""


class SearchKind(StrEnum):
    IDENTIFY = "identify"
    """The faces of a photograph, among the people of a gallery."""
    SEARCH = "search"
    """An embedding, among the people of a gallery."""
    VERIFY_PAIR = "verify_pair"
    """The faces of two photographs with each other."""
    VERIFY_IDENTITY = "verify_identity"
    """The face of a photograph with one person of a gallery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCandidate:
    """A person whom a face resembled."""

    identity_id: UUID
    face_id: UUID
    """Of the person's nearest face."""
    score: float
    face_score: float
    template_score: float | None
    """None where the person had no template."""

    def to_json(self) -> dict[str, Any]:
        return {
            "identity_id": str(self.identity_id),
            "face_id": str(self.face_id),
            "score": round(self.score, 6),
            "face_score": round(self.face_score, 6),
            "template_score": None if self.template_score is None else round(self.template_score, 6),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(
            identity_id=UUID(value["identity_id"]),
            face_id=UUID(value["face_id"]),
            score=value["score"],
            face_score=value["face_score"],
            template_score=value["template_score"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFace:
    """A probe, and whom it resembled."""

    box: tuple[float, float, float, float] | None
    """x, y, width and height in pixels of the photograph. None for a search by an embedding."""
    quality: Mapping[str, float] | None
    """`types.Quality` by the names of its fields, without figures that were not measured. None likewise."""
    unmatched_reason: str | None
    """Why nobody was matched, whatever the score; None where the scores decided."""
    matched: bool
    """Whether the first candidate was; of a pair, whether the two were."""
    candidates: tuple[RecordedCandidate, ...]
    """Best first, at most `MAX_CANDIDATES`."""
    crop_sha256: str | None = None
    """Of the kept crop, in hex. The crop itself may be deleted by now."""
    remembered: UUID | None = None
    """The anonymous identity that the face became, as it matched nobody."""
    liveness: str | None = None
    """By the gallery's policy: `live`, `attack` or `cannot_tell`; None where there is no policy."""

    def to_json(self) -> dict[str, Any]:
        return {
            "box": self.box and [round(side, 1) for side in self.box],
            "quality": self.quality and {name: round(figure, 4) for name, figure in self.quality.items()},
            "unmatched_reason": self.unmatched_reason,
            "matched": self.matched,
            "candidates": [candidate.to_json() for candidate in self.candidates],
            "crop_sha256": self.crop_sha256,
            **({} if self.remembered is None else {"remembered": str(self.remembered)}),
            **({} if self.liveness is None else {"liveness": self.liveness}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        box = value["box"]
        return cls(
            box=None if box is None else (box[0], box[1], box[2], box[3]),
            quality=value["quality"],
            unmatched_reason=value["unmatched_reason"],
            matched=value["matched"],
            candidates=tuple(map(RecordedCandidate.from_json, value["candidates"])),
            crop_sha256=value["crop_sha256"],
            remembered=UUID(value["remembered"]) if "remembered" in value else None,
            liveness=value.get("liveness"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """The threshold of a search, and what it means."""

    threshold: float
    requested: bool
    """Whether the caller gave the threshold; otherwise it follows from the policy and the calibration."""
    target: float
    """The policy's FPIR; of a comparison, the FMR."""
    estimate: float
    """The FPIR or FMR of `threshold`."""
    interval: tuple[float, float] | None
    """95 %, of the estimate."""
    trusted: bool
    """Whether the measurements support the estimate."""
    calibration: str
    """`gallery`, `model` or `card`."""
    calibration_id: UUID | None
    """None for a card."""

    def to_json(self) -> dict[str, Any]:
        return {
            "threshold": round(self.threshold, 6),
            "threshold_requested": self.requested,
            "target_rate": self.target,
            "estimated_rate": _rate(self.estimate),
            "estimated_rate_interval": self.interval and [_rate(end) for end in self.interval],
            "rate_trusted": self.trusted,
            "calibration": self.calibration,
            "calibration_id": None if self.calibration_id is None else str(self.calibration_id),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        interval, calibration_id = value["estimated_rate_interval"], value["calibration_id"]
        return cls(
            threshold=value["threshold"],
            requested=value["threshold_requested"],
            target=value["target_rate"],
            estimate=value["estimated_rate"],
            interval=None if interval is None else (interval[0], interval[1]),
            trusted=value["rate_trusted"],
            calibration=value["calibration"],
            calibration_id=None if calibration_id is None else UUID(calibration_id),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFilter:
    """Whom a search was among."""

    text: str | None
    """The filter as canonical JSON; None where it is too long."""
    sha256: str
    """Of its text, in hex."""

    def to_json(self) -> dict[str, Any]:
        return {"text": self.text, "sha256": self.sha256}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSearch:
    kind: SearchKind
    model: str
    """Fingerprint."""
    gallery_size: int
    """Enrolled faces. 1 for a comparison."""
    decision: RecordedDecision
    faces: tuple[RecordedFace, ...]
    """The largest first; of a pair, one of each photograph."""
    faces_found: int | None = None
    """In the photograph, searched for or not. None for a search by an embedding, and for a pair."""
    pair_score: float | None = None
    """Of two photographs; None for the other kinds."""
    faces_searched: int | None = None
    """Those of the enrolled faces that were searched: N. None: all of them."""
    among: RecordedFilter | None = None
    """None: everybody."""
    attributes: tuple[str, ...] = ()
    """Names of those that the caller requested. What was estimated is recorded nowhere."""

    @property
    def searched(self) -> int:
        """N."""
        return self.gallery_size if self.faces_searched is None else self.faces_searched

    def to_json(self) -> dict[str, Any]:
        filtered = (
            {"faces_searched": self.faces_searched, "filter": self.among.to_json()} if self.among else {}
        )
        return {
            "version": VERSION,
            "kind": self.kind.value,
            "model": self.model,
            "gallery_size": self.gallery_size,
            **filtered,
            **self.decision.to_json(),
            "faces_found": self.faces_found,
            "pair_score": None if self.pair_score is None else round(self.pair_score, 6),
            **({"attributes": list(self.attributes)} if self.attributes else {}),
            "faces": [face.to_json() for face in self.faces],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises InvalidRequest for a later version."""
        if value.get("version") != VERSION:
            raise InvalidRequest(
                f"the details are of version {value.get('version')}; this Gemel reads version {VERSION}"
            )
        return cls(
            kind=SearchKind(value["kind"]),
            model=value["model"],
            gallery_size=value["gallery_size"],
            faces_searched=value.get("faces_searched"),
            among=RecordedFilter(**value["filter"]) if "filter" in value else None,
            decision=RecordedDecision.from_json(value),
            faces=tuple(map(RecordedFace.from_json, value["faces"])),
            faces_found=value["faces_found"],
            pair_score=value["pair_score"],
            attributes=tuple(value.get("attributes", ())),
        )


def _rate(rate: float) -> float:
    return float(f"{rate:.4g}")
