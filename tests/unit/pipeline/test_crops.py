"""Stored crops: decoded as any picture would be, only sooner."""

import io

import numpy as np
import PIL.Image
import pytest
import skimage.data

from indexer.errors import InvalidInput, UnreadableImage
from indexer.pipeline.crops import aligned
from indexer.records.reindexes import StoredCrop
from indexer.types import Crop, Template
from indexer.vision.align import ARCFACE_112, DLIB_150, align, crop_with_margin
from indexer.vision.decoding.decode import decode
from indexer.vision.detection.refine import LandmarkRefiner


def crop(size: float) -> Crop:
    """Of a photograph in which the face is `size` times as large as the template."""
    at = (ARCFACE_112.points * size + np.array([150, 20])).astype(np.float32)
    return crop_with_margin(skimage.data.astronaut(), at)


def stored(jpeg: bytes | None, landmarks: np.ndarray | None = None) -> StoredCrop:
    at = ARCFACE_112.points + 28 if landmarks is None else landmarks
    return StoredCrop(key=1, jpeg=jpeg, landmarks=at.ravel().tolist())


@pytest.mark.parametrize("size", [0.6, 1.0, 1.7, 2.5])
@pytest.mark.parametrize("template", [ARCFACE_112, DLIB_150], ids=lambda template: template.name)
def test_a_crop_gives_the_pixels_that_any_decoder_gives(
    size: float, template: Template, refiner: LandmarkRefiner
) -> None:
    made = crop(size)
    pixels = decode(made.jpeg, max_pixels=1 << 20)

    np.testing.assert_array_equal(
        aligned(stored(made.jpeg, made.landmarks), [template], refiner)[0],
        align(pixels, made.landmarks, template),
    )


def test_a_damaged_crop_is_rejected_and_not_embedded_grey(refiner: LandmarkRefiner) -> None:
    jpeg = crop(1.0).jpeg

    for damaged in (b"", b"\xff\xd8no jpeg", b"\xff\xd8no jpeg\xff\xd9", jpeg[:200], jpeg[: len(jpeg) // 2]):
        with pytest.raises(InvalidInput):
            aligned(stored(damaged), [ARCFACE_112], refiner)


def test_a_face_without_a_crop_is_rejected(refiner: LandmarkRefiner) -> None:
    with pytest.raises(UnreadableImage, match="no crop"):
        aligned(stored(None), [ARCFACE_112], refiner)


def test_a_crop_in_another_format_is_embedded_too(refiner: LandmarkRefiner) -> None:
    """Nothing keeps an import in SQL from storing one."""
    file = io.BytesIO()
    PIL.Image.fromarray(skimage.data.astronaut()[:168, 150:318]).save(file, "PNG")

    [pixels] = aligned(stored(file.getvalue()), [ARCFACE_112], refiner)

    assert pixels.shape == (112, 112, 3)
    assert pixels.std() > 10
