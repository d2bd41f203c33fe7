"""A large JPEG is decoded for the detector; a face that needs more pixels gets all that the file has."""

import dataclasses
import io

import numpy as np
import PIL.Image
import pytest

from indexer.pipeline.pipeline import Photograph, Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Image
from indexer.vision.align import ARCFACE_112, CROP_SCALE, DLIB_150, align, crop_with_margin, enlargement
from indexer.vision.decoding.decode import decode
from indexer.vision.decoding.decoder import Decoder
from tests.support.pictures import encoded, pixels

LIMIT = 50_000_000


def photograph_of(*portraits: tuple[bytes, int, tuple[int, int]], progressive: bool = False) -> bytes:
    """2600 x 1950 pixels, with each portrait at a height and a place (left, top)."""
    picture = PIL.Image.new("RGB", (2600, 1950), (140, 150, 160))
    for data, height, place in portraits:
        portrait = PIL.Image.open(io.BytesIO(data))
        picture.paste(portrait.resize((round(portrait.width * height / portrait.height), height)), place)
    return encoded(picture, "JPEG", quality=95, progressive=progressive)


def detect(pipeline: Pipeline, data: bytes, *, max_faces: int = 1, detail: float = 1.0) -> Photograph:
    return pipeline.detect(data, Stopwatch(), max_faces=max_faces, detail=detail)


def cosine(pipeline: Pipeline, one: Image, other: Image) -> float:
    first, second = pipeline.embedder.embed(np.stack([one, other]))
    return float(first @ second)


def test_a_large_face_is_aligned_from_half_the_pixels_and_nothing_is_lost(
    pipeline: Pipeline, hopper: bytes
) -> None:
    data = photograph_of((hopper, 1500, (700, 300)))

    photograph = detect(pipeline, data)

    whole = decode(data, max_pixels=LIMIT)
    [expected] = pipeline.detector.detect(whole)
    [seen] = photograph.faces
    assert photograph.divisor == 2
    assert (photograph.width_px, photograph.height_px) == (2600, 1950)
    reduced_px = 2600 / pipeline.detector.size_px
    for side in ("x", "y", "width", "height"):
        assert getattr(seen.face.box, side) == pytest.approx(getattr(expected.box, side), abs=2 * reduced_px)
    assert cosine(pipeline, seen.pictures[0], pipeline.align(whole, expected).pictures[0]) > 0.99


@pytest.mark.parametrize("progressive", [False, True])
def test_a_small_face_is_aligned_from_all_pixels(
    pipeline: Pipeline, hopper: bytes, progressive: bool
) -> None:
    """A progressive JPEG is decoded in another process."""
    data = photograph_of((hopper, 350, (1500, 900)), progressive=progressive)

    with Decoder(max_pixels=LIMIT) as decoder:
        photograph = detect(dataclasses.replace(pipeline, decoder=decoder), data)

    whole = decode(data, max_pixels=LIMIT)
    [seen] = photograph.faces
    assert photograph.divisor == 1
    np.testing.assert_array_equal(photograph.pixels, whole)
    np.testing.assert_array_equal(seen.pictures[0], align(whole, seen.face.landmarks, ARCFACE_112))


def test_only_the_requested_faces_need_pixels(pipeline: Pipeline, hopper: bytes, collins: bytes) -> None:
    data = photograph_of((hopper, 1300, (200, 300)), (collins, 350, (2000, 900)))

    largest, both = (detect(pipeline, data, max_faces=count) for count in (1, 2))

    assert (largest.divisor, largest.faces_found) == (2, 2)
    assert (both.divisor, both.faces_found) == (1, 2)


def test_a_stored_crop_has_the_pixels_that_the_photograph_has(pipeline: Pipeline, hopper: bytes) -> None:
    data = photograph_of((hopper, 900, (900, 500)))
    assert detect(pipeline, data).divisor == 2

    photograph = detect(pipeline, data, detail=CROP_SCALE[1])

    landmarks = photograph.faces[0].face.landmarks
    assert photograph.divisor == 1
    assert 2 < 1 / enlargement(landmarks, ARCFACE_112) < 4, "the face would lose pixels at a half"
    crop = crop_with_margin(photograph.pixels, landmarks, divisor=photograph.divisor)
    assert crop.jpeg == crop_with_margin(decode(data, max_pixels=LIMIT), landmarks).jpeg
    assert pixels(crop.jpeg).shape == (336, 336, 3)


def test_a_model_with_a_larger_template_gets_more_pixels(pipeline: Pipeline, hopper: bytes) -> None:
    data = photograph_of((hopper, 700, (900, 500)))
    other = dataclasses.replace(pipeline)
    object.__setattr__(other, "templates", (DLIB_150,))

    assert detect(pipeline, data).divisor == 2
    assert detect(other, data).divisor == 1


def test_the_quality_of_a_face_is_that_of_the_photograph_as_it_was_sent(
    pipeline: Pipeline, hopper: bytes
) -> None:
    """Here fewer pixels are decoded than the file has because of the limit."""
    data = photograph_of((hopper, 1500, (700, 300)))
    whole = pipeline.detector.detect(decode(data, max_pixels=LIMIT))[0]
    with Decoder(max_pixels=1_200_000) as decoder:
        limited = dataclasses.replace(pipeline, decoder=decoder)

        photograph = detect(limited, data)

    [seen] = photograph.faces
    assert photograph.divisor == 4
    assert seen.quality.face_px == seen.face.box.shorter_side_px
    assert seen.quality.face_px == pytest.approx(whole.box.shorter_side_px, rel=0.03)
