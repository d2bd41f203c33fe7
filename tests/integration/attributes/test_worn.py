"""Somebody who wears a mask or sunglasses gets the advice to take them off, where that would help."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.attributes.estimate import Estimate
from indexer.attributes.head import FaceView
from indexer.attributes.heads.glasses import GlassesHead
from indexer.attributes.heads.mask import MaskHead
from indexer.attributes.heads.opening import HEADS, HeadKind
from indexer.attributes.heads.pose import PoseHead
from indexer.attributes.heads.quality import QualityHead
from indexer.attributes.reader import AttributeReader
from indexer.errors import AttributeNotPermitted, WeightsDamaged
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute, OnSeveralFaces
from indexer.usecases.answers.faces import DetectedFace
from indexer.usecases.enrolment.quality_gate import QualityGate, Rejection
from indexer.usecases.enrolment.rejected_advice import with_advice
from indexer.weights import published
from indexer.weights.file import WeightFile
from indexer.weights.store import WeightStore
from tests.support.covers import with_mask, with_sunglasses
from tests.support.pictures import jpeg, pixels
from tests.support.weights import (
    FETCHED,
    attributes_mirror,
    needs_eyes,
    needs_lightqnet,
    needs_worn,
)

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


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> WeightStore:
    """With the weights of all networks that one head uses for another."""
    mirror = attributes_mirror(tmp_path_factory.mktemp("mirror"))
    for file in (published.MASK, published.GLASSES):
        shutil.copy(FETCHED / file.name, mirror / file.name)
    return WeightStore.of(Settings().model_copy(update={"model_mirror": str(mirror)}))


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


@pytest.mark.parametrize(
    ("attribute", "permitted", "forbidden"),
    [
        (Attribute.EYES, (Attribute.EYES,), (Attribute.GLASSES,)),
        (Attribute.QUALITY, (Attribute.QUALITY, Attribute.EYES), (Attribute.GLASSES, Attribute.MASK)),
        (Attribute.QUALITY, (Attribute.QUALITY, Attribute.MASK), (Attribute.POSE, Attribute.GLASSES)),
    ],
)
@pytest.mark.parametrize("by", ["installation", "gallery"])
@needs_worn
@needs_eyes
@needs_lightqnet
def test_the_network_of_a_forbidden_attribute_does_not_run_for_another(
    pipeline: Pipeline,
    everything: WeightStore,
    hopper: bytes,
    monkeypatch: pytest.MonkeyPatch,
    attribute: Attribute,
    permitted: tuple[Attribute, ...],
    forbidden: tuple[Attribute, ...],
    by: str,
) -> None:
    ran = networks_that_run(monkeypatch)
    photograph = pipeline.detect(hopper, Stopwatch(), max_faces=1)
    here = permitted if by == "installation" else tuple(Attribute)
    gallery = None if by == "installation" else [each.value for each in permitted]

    [strict] = AttributeReader(here, everything, threads=1).read(
        photograph, [attribute], Stopwatch(), gallery
    )
    not_run = {each for each in forbidden if each not in ran}
    AttributeReader(tuple(Attribute), everything, threads=1).read(photograph, [attribute], Stopwatch())

    assert not_run == set(forbidden)
    assert set(forbidden) <= ran, "where it is permitted, it does"
    assert strict[attribute].value is not None


def networks_that_run(monkeypatch: pytest.MonkeyPatch) -> set[Attribute]:
    """The attributes whose own networks have run since then."""
    ran: set[Attribute] = set()
    methods = (
        (Attribute.MASK, MaskHead, "log_odds"),
        (Attribute.GLASSES, GlassesHead, "measure"),
        (Attribute.POSE, PoseHead, "pose"),
    )
    for attribute, head, name in methods:
        run = getattr(head, name)

        def count(self: Any, face: FaceView, run: Any = run, attribute: Attribute = attribute) -> Any:
            ran.add(attribute)
            return run(self, face)

        monkeypatch.setattr(head, name, count)
    return ran


@pytest.mark.parametrize(
    ("attribute", "needs"), [("occlusion", "mask"), ("occlusion", "glasses"), ("gender", "age")]
)
def test_an_attribute_that_is_estimated_from_a_forbidden_one_is_forbidden(attribute: str, needs: str) -> None:
    store = WeightStore.of(Settings())
    others = [each for each in Attribute if each != needs]
    by_installation = AttributeReader(others, store, threads=1)
    by_gallery = AttributeReader(tuple(Attribute), store, threads=1)

    with pytest.raises(AttributeNotPermitted, match=f"does not permit the attribute {needs}, from which"):
        by_installation.check([Attribute(attribute)])
    with pytest.raises(
        AttributeNotPermitted, match=f"the gallery's policy .* {needs}, from which {attribute}"
    ):
        by_gallery.check([Attribute(attribute)], others)
    assert not by_installation.is_permitted(Attribute(attribute))
    assert not by_gallery.is_permitted(Attribute(attribute), others)


@pytest.mark.parametrize("damaged", [published.MASK, published.IRIS])
@needs_worn
@needs_eyes
def test_damaged_weights_cost_a_rejection_only_their_advice(
    pipeline: Pipeline, hopper: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture, damaged: WeightFile
) -> None:
    for file in (published.MASK, published.GLASSES):
        shutil.copy(FETCHED / file.name, tmp_path / file.name)
    attributes_mirror(tmp_path)
    (tmp_path / damaged.name).write_bytes(b"half of a file")
    settings = Settings().model_copy(update={"model_mirror": str(tmp_path), "home": tmp_path / "home"})
    reader = AttributeReader(tuple(Attribute), WeightStore.of(settings), threads=1)
    portrait = pixels(hopper)
    face = pipeline.detect(hopper, Stopwatch(), max_faces=1).faces[0].face
    worn = with_sunglasses(portrait, face)
    photograph = pipeline.detect(jpeg(np.ascontiguousarray(worn)), Stopwatch(), max_faces=1)
    rejection = GATE.admit(photograph, OnSeveralFaces.REJECT)
    assert isinstance(rejection, Rejection)

    advised = with_advice(rejection, photograph, reader, None, Stopwatch())

    assert advised.details["advice"] == ["take_off_sunglasses", "come_nearer"]
    assert damaged.name in caplog.text
    with pytest.raises(WeightsDamaged):
        reader.read(photograph, [Attribute.MASK, Attribute.EYES], Stopwatch())


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
