"""Somebody who wears a mask or sunglasses gets the advice to take them off, where that would help."""

from collections.abc import Sequence

import numpy as np
import pytest

from indexer.attributes.estimate import Estimate
from indexer.attributes.head import FaceView
from indexer.attributes.heads.opening import HEADS, HeadKind
from indexer.attributes.heads.quality import QualityHead
from indexer.attributes.reader import AttributeReader
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute, OnSeveralFaces
from indexer.usecases.answers.faces import DetectedFace
from indexer.usecases.enrolment.quality_gate import QualityGate, Rejection
from indexer.usecases.enrolment.rejected_advice import with_advice
from indexer.weights.store import WeightStore
from tests.support.covers import with_mask, with_sunglasses
from tests.support.pictures import jpeg, pixels
from tests.support.weights import FETCHED, needs_worn

PERMITTED = (Attribute.MASK, Attribute.GLASSES, Attribute.OCCLUSION, Attribute.QUALITY)
GATE = QualityGate(min_face_px=4000.0, min_sharpness=0.0, min_quality=0.0, max_miss_rate=1.0)


class Always:
    """A head with one answer: the published networks are not on every machine."""

    def __init__(self, value: str) -> None:
        self._value = value

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return [Estimate(value=self._value, confidence=1.0)] * len(faces)


def reader_of(mask: str, glasses: str) -> AttributeReader:
    answers = {Attribute.MASK: mask, Attribute.GLASSES: glasses}
    kinds = {
        attribute: HeadKind(weights=(), open=lambda _, value=value: Always(value))  # type: ignore[misc]
        for attribute, value in answers.items()
    }
    return AttributeReader(PERMITTED, WeightStore.of(Settings()), threads=1, kinds={**HEADS, **kinds})


@pytest.fixture(scope="module")
def reader() -> AttributeReader:
    settings = Settings().model_copy(update={"model_mirror": str(FETCHED)})
    return AttributeReader(PERMITTED, WeightStore.of(settings), threads=1)


@pytest.mark.parametrize(
    ("mask", "glasses", "expected"),
    [
        ("mask", "sunglasses", ["take_off_mask", "take_off_sunglasses", "come_nearer"]),
        ("none", "sunglasses", ["take_off_sunglasses", "come_nearer"]),
        ("none", "glasses", ["come_nearer"]),
    ],
)
def test_a_rejection_says_first_what_to_take_off(
    pipeline: Pipeline, hopper: bytes, mask: str, glasses: str, expected: list[str]
) -> None:
    photograph = pipeline.detect(hopper, Stopwatch(), max_faces=1)
    rejection = GATE.admit(photograph, OnSeveralFaces.REJECT)
    assert isinstance(rejection, Rejection)

    advised = with_advice(rejection, photograph, reader_of(mask, glasses), None, Stopwatch())
    forbidden = with_advice(rejection, photograph, reader_of(mask, glasses), ["liveness"], Stopwatch())

    assert advised.details["advice"] == expected
    assert forbidden == rejection


@pytest.mark.parametrize(
    ("installation", "gallery", "expected"),
    [
        (tuple(Attribute), None, ["take_off_mask", "take_off_sunglasses", "open_eyes"]),
        (tuple(Attribute), ["quality", "glasses"], ["take_off_sunglasses"]),
        ((Attribute.QUALITY, Attribute.EYES), None, ["open_eyes"]),
        ((Attribute.QUALITY,), ["quality", "mask"], []),
    ],
)
def test_the_quality_says_nothing_of_an_attribute_that_is_not_permitted(
    pipeline: Pipeline,
    hopper: bytes,
    installation: tuple[Attribute, ...],
    gallery: list[str] | None,
    expected: list[str],
) -> None:
    head = QualityHead(None, Always("mask"), Always("sunglasses"), Always("closed"))
    kinds = {Attribute.QUALITY: HeadKind(weights=(), open=lambda _: head)}
    reader = AttributeReader(installation, WeightStore.of(Settings()), threads=1, kinds=kinds)
    watch = Stopwatch()
    with reader.turn((Attribute.QUALITY,), watch):
        photograph = pipeline.detect(hopper, watch, max_faces=1)
        [estimates] = reader.estimate(photograph, (Attribute.QUALITY,), watch, gallery)

    advice_given = estimates["quality"].value

    worn = {"take_off_mask", "take_off_sunglasses", "open_eyes"}
    assert isinstance(advice_given, tuple)
    assert [each for each in advice_given if each in worn] == expected


def test_a_rejection_that_is_not_about_quality_stays_as_it_is(pipeline: Pipeline, nobody: bytes) -> None:
    photograph = pipeline.detect(nobody, Stopwatch(), max_faces=1)
    rejection = GATE.admit(photograph, OnSeveralFaces.REJECT)
    assert isinstance(rejection, Rejection)

    assert with_advice(rejection, photograph, reader_of("mask", "none"), None, Stopwatch()) == rejection


def test_a_face_in_an_answer_has_the_advice_where_the_attribute_is_requested(
    pipeline: Pipeline, hopper: bytes
) -> None:
    photograph = pipeline.detect(hopper, Stopwatch(), max_faces=1)
    [estimates] = reader_of("mask", "none").read(photograph, (Attribute.MASK,), Stopwatch())

    assert DetectedFace.of(photograph.faces[0], estimates).advice == ["take_off_mask"]
    assert DetectedFace.of(photograph.faces[0]).advice == []


@needs_worn
def test_drawn_masks_and_sunglasses_are_found_and_advised_against(
    pipeline: Pipeline, reader: AttributeReader, hopper: bytes, collins: bytes
) -> None:
    for portrait in map(pixels, (hopper, collins)):
        face = pipeline.detect(jpeg(portrait), Stopwatch(), max_faces=1).faces[0].face
        pictures = {
            (): portrait,
            ("take_off_mask",): with_mask(portrait, face),
            ("take_off_sunglasses",): with_sunglasses(portrait, face),
        }
        for advice, picture in pictures.items():
            data = jpeg(np.ascontiguousarray(picture))
            photograph = pipeline.detect(data, Stopwatch(), max_faces=1)
            [estimates] = reader.read(photograph, PERMITTED, Stopwatch())

            assert (estimates["mask"].value == "mask") == ("take_off_mask" in advice)
            assert (estimates["glasses"].value == "sunglasses") == ("take_off_sunglasses" in advice)
            covered = {"take_off_mask": ("mouth", "nose"), "take_off_sunglasses": ("eyes",)}
            # Grace Hopper's eyes are in the shade of her cap: above a mask they could be sunglasses.
            undecided = {None} if "take_off_mask" in advice else set()
            assert estimates["occlusion"].value in {covered[advice[0]] if advice else (), *undecided}
            advice_given = estimates["quality"].value
            assert isinstance(advice_given, tuple)
            assert tuple(each for each in advice_given if each.startswith("take_off")) == advice


@needs_worn
def test_a_face_that_is_too_small_or_in_the_dark_gets_no_value(
    pipeline: Pipeline, reader: AttributeReader, hopper: bytes
) -> None:
    tiny = jpeg(np.ascontiguousarray(pixels(hopper)[::12, ::12]))
    photograph = pipeline.detect(tiny, Stopwatch(), max_faces=1)
    [estimates] = reader.read(photograph, (Attribute.MASK, Attribute.GLASSES), Stopwatch())

    assert {name: estimate.cannot_tell for name, estimate in estimates.items()} == {
        "mask": "too_small",
        "glasses": "too_small",
    }
