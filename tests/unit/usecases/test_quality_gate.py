"""Which photographs may enter a gallery."""

from dataclasses import replace

import numpy as np
import pytest

from indexer.pipeline.pipeline import AlignedFace, Photograph
from indexer.types import Box, Face, OnSeveralFaces, Quality
from indexer.usecases.enrolment.quality_gate import DUPLICATE, QualityGate, Rejection, nothing_enrolled
from tests.support.strangers import QUALITY

GATE = QualityGate(min_face_px=28, min_sharpness=0.004, min_quality=50, max_miss_rate=0.5)
GOOD = replace(QUALITY, face_px=28.0, sharpness_ratio=0.004, score=50.0)


def aligned(quality: Quality) -> AlignedFace:
    face = Face(
        box=Box(x=0, y=0, width=30, height=28), landmarks=np.zeros((5, 2), np.float32), confidence=0.9
    )
    return AlignedFace(face=face, pictures=(np.zeros((112, 112, 3), np.uint8),), quality=quality)


def photograph(*faces: AlignedFace, faces_found: int, has_clear_subject: bool = False) -> Photograph:
    return Photograph(
        pixels=np.zeros((200, 300, 3), np.uint8),
        width_px=300,
        height_px=200,
        divisor=1,
        faces=list(faces),
        faces_found=faces_found,
        has_clear_subject=has_clear_subject,
    )


@pytest.mark.parametrize("expected_miss_rate", [None, 0.0, 0.5])
def test_a_face_that_keeps_every_limit_is_admitted(expected_miss_rate: float | None) -> None:
    face = aligned(replace(GOOD, expected_miss_rate=expected_miss_rate))

    assert GATE.admit(photograph(face, faces_found=1), OnSeveralFaces.REJECT) is face


@pytest.mark.parametrize(
    ("quality", "code", "measured", "limit", "message", "advice"),
    [
        (
            replace(GOOD, face_px=27.9),
            "face_too_small",
            27.9,
            28,
            "the face is 27.9 pixels wide on its shorter side; at least 28 is required",
            ["come_nearer"],
        ),
        (
            replace(GOOD, sharpness_ratio=0.0039),
            "face_blurred",
            0.0039,
            0.004,
            "the sharpness is 0.0039; at least 0.004 is required",
            ["hold_still"],
        ),
        (
            replace(GOOD, score=49.0),
            "quality_too_low",
            49.0,
            50,
            "the quality score is 49; at least 50 is required",
            [],
        ),
        (
            replace(GOOD, expected_miss_rate=0.51),
            "face_unrecognisable",
            0.51,
            0.5,
            "51 % of such faces are missed; at most 50 % is allowed",
            [],
        ),
        (
            replace(GOOD, expected_miss_rate=0.9, pose=20, exposure=30),
            "face_unrecognisable",
            0.9,
            0.5,
            "90 % of such faces are missed (this face is turned away); at most 50 % is allowed",
            ["more_light", "turn_to_camera"],
        ),
    ],
)
def test_a_face_beyond_a_limit_is_rejected_with_the_figure_the_limit_and_what_would_help(
    quality: Quality, code: str, measured: float, limit: float, message: str, advice: list[str]
) -> None:
    rejection = GATE.admit(photograph(aligned(quality), faces_found=1), OnSeveralFaces.LARGEST)

    assert isinstance(rejection, Rejection)
    assert (rejection.code, rejection.message) == (code, message)
    assert rejection.details == {"measured": measured, "limit": limit, "advice": advice}


def test_of_several_faces_the_largest_is_admitted_only_on_request() -> None:
    face = aligned(GOOD)
    group = photograph(face, faces_found=3)

    rejection = GATE.admit(group, OnSeveralFaces.REJECT)

    assert isinstance(rejection, Rejection)
    assert (rejection.code, rejection.details) == ("several_faces", {"measured": 3, "limit": 1})
    assert GATE.admit(group, OnSeveralFaces.LARGEST) is face


def test_of_several_faces_the_subject_is_admitted_if_it_is_clear() -> None:
    face = aligned(GOOD)
    portrait = photograph(face, faces_found=3, has_clear_subject=True)
    group = photograph(face, faces_found=3)

    assert GATE.admit(portrait, OnSeveralFaces.SUBJECT) is face
    rejection = GATE.admit(group, OnSeveralFaces.SUBJECT)
    assert isinstance(rejection, Rejection)
    assert rejection.code == "several_faces"
    assert "none is clearly the subject" in rejection.message
    rejection = GATE.admit(portrait, OnSeveralFaces.REJECT)
    assert isinstance(rejection, Rejection)
    assert "several_faces=subject" in rejection.message


def test_a_photograph_without_a_face_is_rejected_whatever_is_requested() -> None:
    for several_faces in OnSeveralFaces:
        rejection = GATE.admit(photograph(faces_found=0), several_faces)

        assert isinstance(rejection, Rejection)
        assert rejection.code == "no_face_found"


def test_the_error_of_an_enrolment_lists_every_rejected_picture_in_order() -> None:
    small = Rejection(code="face_too_small", message="small", details={"measured": 9, "limit": 28})

    error = nothing_enrolled({1: DUPLICATE, 0: small})

    assert error.details["rejected"] == [
        {"image": 0, "code": "face_too_small", "message": "small", "measured": 9, "limit": 28},
        {"image": 1, "code": "duplicate_image", "message": DUPLICATE.message},
    ]
