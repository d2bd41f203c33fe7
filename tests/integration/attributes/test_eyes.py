"""Open and closed eyes, on real faces."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from indexer.attributes.estimate import CannotTell, Estimate
from indexer.attributes.head import FaceView
from indexer.attributes.heads.eyes.head import EyesHead
from indexer.attributes.heads.glasses import SUNGLASSES, GlassesHead
from indexer.attributes.reader import AttributeReader
from indexer.errors import WeightsDamaged
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.vision import degrade
from indexer.weights import published
from indexer.weights.store import WeightStore
from tests.support.pictures import jpeg, pixels, shared
from tests.support.weights import IRIS, attributes_mirror, needs_attributes, needs_eyes

pytestmark = [needs_attributes, needs_eyes]

CLOSED = (
    "Allison_Searing_0001",
    "Amber_Frey_0001",
    "Gerhard_Schroeder_0082",
    "Junichi_Inamoto_0001",
    "Laura_Bush_0003",
    "Venus_Williams_0001",
)
OPEN = (
    "Gerhard_Schroeder_0001",
    "Laura_Bush_0001",
    "Serena_Williams_0001",
    "Venus_Williams_0002",
)
"""Of LFW."""
REQUESTED = (Attribute.EYES, Attribute.QUALITY)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> AttributeReader:
    mirror = attributes_mirror(tmp_path_factory.mktemp("mirror"))
    settings = Settings().model_copy(update={"model_mirror": str(mirror)})
    return AttributeReader(REQUESTED, WeightStore.of(settings), threads=1)


def picture(name: str) -> np.ndarray:
    person = name.rpartition("_")[0]
    return pixels(shared(f"data/lfw/{person}/{name}.jpg").read_bytes())


def estimates(reader: AttributeReader, pipeline: Pipeline, image: np.ndarray) -> tuple[Estimate, Estimate]:
    photograph = pipeline.detect(jpeg(np.ascontiguousarray(image)), Stopwatch(), max_faces=1)
    [face] = reader.read(photograph, REQUESTED, Stopwatch())
    return face["eyes"], face["quality"]


@pytest.mark.parametrize(("names", "expected"), [(CLOSED, "closed"), (OPEN, "open")])
def test_eyes_are_open_or_closed_and_the_advice_is_to_open_closed_ones(
    reader: AttributeReader, pipeline: Pipeline, names: tuple[str, ...], expected: str
) -> None:
    for name in names:
        eyes, quality = estimates(reader, pipeline, picture(name))

        assert (name, eyes.value) == (name, expected)
        assert isinstance(quality.value, tuple)
        assert ("open_eyes" in quality.value) == (expected == "closed")


def test_in_a_mirror_image_each_eye_is_the_other_one(reader: AttributeReader, pipeline: Pipeline) -> None:
    image = picture("Venus_Williams_0001")
    eyes, _ = estimates(reader, pipeline, image)
    mirrored, _ = estimates(reader, pipeline, image[:, ::-1])

    assert mirrored.scores["left_closed"] == pytest.approx(eyes.scores["right_closed"], abs=0.15)
    assert mirrored.scores["right_closed"] == pytest.approx(eyes.scores["left_closed"], abs=0.15)


def test_a_picture_on_its_side_says_the_same(reader: AttributeReader, pipeline: Pipeline) -> None:
    for name in (CLOSED[0], OPEN[0]):
        upright, _ = estimates(reader, pipeline, picture(name))
        turned, _ = estimates(reader, pipeline, np.rot90(picture(name)))

        assert turned.value == upright.value


def test_dark_glasses_hide_the_eyes(reader: AttributeReader, pipeline: Pipeline) -> None:
    eyes, _ = estimates(reader, pipeline, picture("David_Gest_0001"))

    assert (eyes.value, eyes.cannot_tell) == (None, CannotTell.COVERED)


class Sunglasses(GlassesHead):
    """Whoever it sees wears some."""

    def __init__(self) -> None:
        pass

    def estimate(self, faces: Sequence[FaceView]) -> list[Estimate]:
        return [Estimate(value=SUNGLASSES, confidence=1.0) for _ in faces]


def test_eyes_behind_what_the_glasses_network_takes_for_sunglasses_are_covered(pipeline: Pipeline) -> None:
    assert IRIS is not None
    photograph = pipeline.detect(jpeg(picture(CLOSED[0])), Stopwatch(), max_faces=1)
    views = [FaceView.of(photograph, photograph.faces[0]) for _ in range(2)]
    [bare] = EyesHead(IRIS.read_bytes(), threads=1).estimate(views[:1])
    [worn] = EyesHead(IRIS.read_bytes(), threads=1, glasses=Sunglasses()).estimate(views[1:])

    assert (bare.value, worn.value, worn.cannot_tell) == ("closed", None, CannotTell.COVERED)


def test_damaged_weights_for_glasses_matter_only_where_glasses_are_permitted(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    (attributes_mirror(tmp_path) / published.GLASSES.name).write_bytes(b"damaged")
    store = WeightStore(folder=tmp_path / "store", mirror=tmp_path)
    reader = AttributeReader(tuple(Attribute), store, threads=1)
    photograph = pipeline.detect(jpeg(picture(CLOSED[0])), Stopwatch(), max_faces=1)

    [face] = reader.read(photograph, [Attribute.EYES], Stopwatch(), gallery_permits=["eyes"])

    assert face["eyes"].value == "closed"
    with pytest.raises(WeightsDamaged):
        reader.read(photograph, [Attribute.EYES], Stopwatch(), gallery_permits=["eyes", "glasses"])


def test_a_small_and_a_blurred_face_do_not_show_their_eyes(
    reader: AttributeReader, pipeline: Pipeline
) -> None:
    image = picture(OPEN[0])
    small, _ = estimates(reader, pipeline, image[::4, ::4])
    blurred, _ = estimates(reader, pipeline, degrade.blur(image, 8))

    assert small.cannot_tell is CannotTell.TOO_SMALL
    assert blurred.cannot_tell is CannotTell.TOO_BLURRED
