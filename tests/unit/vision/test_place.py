"""A face at a given place: in a box, also one that the detector misses, or by five landmarks."""

from dataclasses import replace

import numpy as np
import pytest

from indexer.errors import FacePlaceUnusable
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Box, LandmarkSource
from indexer.vision import degrade
from indexer.vision.place import FacePlace, box_around, mean_landmarks
from tests.support.pictures import jpeg, pixels

NAN, INFINITE = float("nan"), float("inf")


def box(x: float, y: float, width: float, height: float) -> FacePlace:
    return FacePlace(box=Box(x=x, y=y, width=width, height=height))


def test_a_face_in_its_box_has_the_landmarks_of_a_detection(pipeline: Pipeline, hopper: bytes) -> None:
    [face] = pipeline.detect(hopper, Stopwatch()).faces

    [found] = pipeline.detect(hopper, Stopwatch(), place=FacePlace(box=face.face.box)).faces

    assert found.face.landmark_source is LandmarkSource.DETECTOR
    eyes_px = np.hypot(*(face.face.landmarks[1] - face.face.landmarks[0]))
    assert np.hypot(*(found.face.landmarks - face.face.landmarks).T).max() < 0.08 * eyes_px
    first, second = pipeline.embed([face, found], Stopwatch())
    assert first @ second > 0.95


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_face_on_its_side_or_its_head_is_found_in_its_box(
    pipeline: Pipeline, hopper: bytes, quarters: int
) -> None:
    turned = jpeg(np.ascontiguousarray(np.rot90(pixels(hopper), quarters)))
    [face] = pipeline.detect(turned, Stopwatch()).faces

    [found] = pipeline.detect(turned, Stopwatch(), place=FacePlace(box=face.face.box)).faces

    assert found.face.rotation_degrees == face.face.rotation_degrees != 0


def test_a_face_that_the_detector_misses_is_found_in_its_box(pipeline: Pipeline, hopper: bytes) -> None:
    [face] = pipeline.detect(hopper, Stopwatch()).faces
    dark = degrade.noise(degrade.brightness(pixels(hopper), 0.03), 12.0, np.random.default_rng(0))
    assert pipeline.detect(jpeg(dark), Stopwatch()).faces == []

    photograph = pipeline.detect(jpeg(dark), Stopwatch(), place=FacePlace(box=face.face.box))

    assert photograph.faces_found == 1
    [found] = photograph.faces
    eyes_px = np.hypot(*(face.face.landmarks[1] - face.face.landmarks[0]))
    assert np.hypot(*(found.face.landmarks - face.face.landmarks).T).mean() < 0.5 * eyes_px


def test_in_a_box_without_a_face_the_landmarks_are_those_of_a_mean_face(pipeline: Pipeline) -> None:
    empty = jpeg(np.full((200, 200, 3), 128, np.uint8))
    place = box(50, 40, 77, 100)

    [found] = pipeline.detect(empty, Stopwatch(), place=place).faces

    assert found.face.landmark_source is LandmarkSource.MEAN_FACE
    assert found.face.confidence == 0
    assert place.box is not None
    assert np.array_equal(found.face.landmarks, mean_landmarks(place.box))


def test_given_landmarks_are_used_as_they_are(pipeline: Pipeline, hopper: bytes) -> None:
    [face] = pipeline.detect(hopper, Stopwatch()).faces
    moved = face.face.landmarks + 3

    [found] = pipeline.detect(hopper, Stopwatch(), place=FacePlace(landmarks=moved)).faces

    assert found.face.landmark_source is LandmarkSource.REQUEST
    assert np.array_equal(found.face.landmarks, moved)


def test_the_box_of_one_of_several_people_gives_that_person(pipeline: Pipeline, hopper: bytes) -> None:
    picture = pixels(hopper)
    both = jpeg(np.concatenate([picture, picture[:, ::-1]], axis=1))
    faces = pipeline.detect(both, Stopwatch()).faces
    assert len(faces) == 2

    for face in faces:
        [found] = pipeline.detect(both, Stopwatch(), place=FacePlace(box=face.face.box)).faces
        assert abs(found.face.box.x - face.face.box.x) < 0.2 * face.face.box.width


def test_boxes_around_landmarks_resemble_those_of_the_detector(pipeline: Pipeline, hopper: bytes) -> None:
    [face] = pipeline.detect(hopper, Stopwatch()).faces

    around, detected = box_around(face.face.landmarks), face.face.box

    assert abs(around.x + around.width / 2 - detected.x - detected.width / 2) < 0.15 * detected.width
    assert abs(around.y + around.height / 2 - detected.y - detected.height / 2) < 0.15 * detected.height
    assert 0.75 < around.area_px / detected.area_px < 1.33


@pytest.mark.parametrize(
    "place",
    [
        *(box(NAN, 0, 50, 50), box(0, 0, INFINITE, 50), box(0, 0, 0, 50), box(0, 0, -50, 50)),
        *(box(10, 10, 7.9, 50), box(-60, 0, 100, 100), box(5000, 5000, 50, 50), box(0, 0, 1e6, 1e6)),
        FacePlace(landmarks=np.full((5, 2), NAN, np.float32)),
        FacePlace(landmarks=np.full((5, 2), 20, np.float32)),
        FacePlace(landmarks=mean_landmarks(Box(x=5000, y=0, width=80, height=100))),
    ],
)
def test_a_place_where_no_face_can_be_is_an_error(
    pipeline: Pipeline, hopper: bytes, place: FacePlace
) -> None:
    with pytest.raises(FacePlaceUnusable):
        pipeline.detect(hopper, Stopwatch(), place=place)


def test_a_box_that_the_edge_of_the_picture_cuts_is_allowed(pipeline: Pipeline, hopper: bytes) -> None:
    [face] = pipeline.detect(hopper, Stopwatch()).faces
    left = pixels(hopper)[:, int(face.face.box.x + 0.4 * face.face.box.width) :]
    cut = replace(face.face.box, x=-0.4 * face.face.box.width)

    assert len(pipeline.detect(jpeg(np.ascontiguousarray(left)), Stopwatch(), place=FacePlace(box=cut)).faces)
