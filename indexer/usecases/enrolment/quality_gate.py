"""Which photographs may enter a gallery: one bad face would answer for its person for years."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from indexer.errors import NothingEnrolled
from indexer.pipeline.pipeline import AlignedFace, Photograph
from indexer.settings import Settings
from indexer.types import OnSeveralFaces, Quality
from indexer.vision.advice import Advice, advice


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why a photograph is not enrolled."""

    code: str
    message: str
    details: dict[str, Any]
    """Among them `measured` and `limit`, where the reason is a figure, and `advice`, what would help."""


_ADVICE = {
    OnSeveralFaces.REJECT: "send a picture of one, or with several_faces=subject or several_faces=largest",
    OnSeveralFaces.SUBJECT: "none is clearly the subject; send a picture of one,"
    " or with several_faces=largest",
}

DUPLICATE = Rejection(
    code="duplicate_image", message="this very file is enrolled for this identity already", details={}
)


_CAUSES = {
    "size": "this face is small",
    "sharpness": "this face is blurred",
    "exposure": "this face is too dark or too bright",
    "pose": "this face is turned away",
}
"""By component of the quality."""


_HELPS = {"face_too_small": Advice.COME_NEARER, "face_blurred": Advice.HOLD_STILL}
"""By the code of the rejection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityGate:
    """A face with a measured figure beyond one of these is rejected."""

    min_face_px: float
    min_sharpness: float
    min_quality: float
    max_miss_rate: float
    """Of the expected miss rate, which faces have where there is a quality network; 1 is no limit."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            min_face_px=settings.min_face_px,
            min_sharpness=settings.min_sharpness,
            min_quality=settings.min_quality,
            max_miss_rate=settings.max_miss_rate,
        )

    def admit(self, photograph: Photograph, several_faces: OnSeveralFaces) -> AlignedFace | Rejection:
        """The face to enrol, of a photograph whose largest face is aligned."""
        if not photograph.faces:
            return Rejection(code="no_face_found", message="no face was found", details={})
        if photograph.is_ambiguous(several_faces):
            return Rejection(
                code="several_faces",
                message=f"{photograph.faces_found} faces were found; {_ADVICE[several_faces]}",
                details={"measured": photograph.faces_found, "limit": 1},
            )
        face = photograph.faces[0]
        return self.rejection(face.quality) or face

    def rejection(self, quality: Quality) -> Rejection | None:
        """Why a face of this quality is not enrolled; None: it is."""
        for code, sentence, measured, limit in (
            (
                "face_too_small",
                "the face is {:.3g} pixels wide on its shorter side",
                quality.face_px,
                self.min_face_px,
            ),
            ("face_blurred", "the sharpness is {:.3g}", quality.sharpness_ratio, self.min_sharpness),
            ("quality_too_low", "the quality score is {:.3g}", quality.score, self.min_quality),
        ):
            if measured < limit:
                return Rejection(
                    code=code,
                    message=f"{sentence.format(measured)}; at least {limit:g} is required",
                    details=_details(code, measured, limit, quality),
                )
        expected = quality.expected_miss_rate
        if expected is not None and expected > self.max_miss_rate:
            return Rejection(
                code="face_unrecognisable",
                message=f"{100 * expected:.0f} % of such faces are missed{_weakness(quality)}; at most"
                f" {100 * self.max_miss_rate:.0f} % is allowed",
                details=_details("face_unrecognisable", expected, self.max_miss_rate, quality),
            )
        return None


def _details(code: str, measured: float, limit: float, quality: Quality) -> dict[str, Any]:
    """With what would help: first what the rejection is about, whatever the components say."""
    about = [_HELPS[code]] if code in _HELPS else []
    what_helps = dict.fromkeys([*about, *advice(quality)])
    return {
        "measured": round(measured, 4),
        "limit": limit,
        "advice": [each.value for each in what_helps],
    }


def _weakness(quality: Quality) -> str:
    """In brackets, what the components say about the cause; empty if they are all good."""
    name, value = min(quality.components().items(), key=lambda component: component[1])
    return f" ({_CAUSES[name]})" if value < 50 else ""


def nothing_enrolled(rejected: Mapping[int, Rejection]) -> NothingEnrolled:
    """The error of an enrolment whose every picture is rejected; by the number of the picture, from 0."""
    return NothingEnrolled(
        "none of the pictures can be enrolled; nothing was stored",
        rejected=[
            {"image": number, "code": rejection.code, "message": rejection.message} | rejection.details
            for number, rejection in sorted(rejected.items())
        ],
    )
