"""Where a head is turned, and what to do for a better picture."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from indexer.attributes import iso_29794_5
from indexer.attributes.estimate import Estimate
from indexer.attributes.head import FaceView
from indexer.attributes.heads.opening import HEAD_POSE
from indexer.attributes.heads.pose import HeadPose
from indexer.attributes.reader import AttributeReader
from indexer.errors import WeightsDamaged
from indexer.pipeline.pipeline import Pipeline
from indexer.records.database.session import Database
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.vision import degrade
from indexer.weights import published
from indexer.weights.store import WeightStore
from service.app import create_app
from tests.support.pictures import jpeg, pixels
from tests.support.weights import attributes_mirror, needs_attributes, needs_lightqnet

pytestmark = [needs_attributes, needs_lightqnet]  # whose folder has the weights of the pose

REQUESTED = (Attribute.POSE, Attribute.QUALITY)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> AttributeReader:
    mirror = attributes_mirror(tmp_path_factory.mktemp("mirror"))
    settings = Settings().model_copy(update={"model_mirror": str(mirror)})
    return AttributeReader(REQUESTED, WeightStore.of(settings), threads=1)


def estimates(reader: AttributeReader, pipeline: Pipeline, picture: np.ndarray) -> tuple[Estimate, Estimate]:
    photograph = pipeline.detect(jpeg(np.ascontiguousarray(picture)), Stopwatch(), max_faces=1)
    [face] = reader.read(photograph, REQUESTED, Stopwatch())
    return face["pose"], face["quality"]


def test_a_mirror_image_is_turned_to_the_other_side(
    reader: AttributeReader, pipeline: Pipeline, hopper: bytes, collins: bytes
) -> None:
    for picture in map(pixels, (hopper, collins)):
        pose, _ = estimates(reader, pipeline, picture)
        mirrored, _ = estimates(reader, pipeline, picture[:, ::-1])

        assert mirrored.scores["yaw"] == pytest.approx(-pose.scores["yaw"], abs=6)
        assert mirrored.scores["pitch"] == pytest.approx(pose.scores["pitch"], abs=6)
        assert mirrored.scores["roll"] == pytest.approx(-pose.scores["roll"], abs=4)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_picture_on_its_side_changes_only_the_roll(
    reader: AttributeReader, pipeline: Pipeline, hopper: bytes, turns: int
) -> None:
    upright, _ = estimates(reader, pipeline, pixels(hopper))
    turned, advice = estimates(reader, pipeline, np.rot90(pixels(hopper), turns))

    assert turned.scores["yaw"] == pytest.approx(upright.scores["yaw"], abs=10)
    assert turned.scores["pitch"] == pytest.approx(upright.scores["pitch"], abs=10)
    difference = (upright.scores["roll"] - turned.scores["roll"]) % 360
    assert difference == pytest.approx(90 * turns, abs=6)
    assert isinstance(advice.value, tuple)
    assert "hold_upright" in advice.value


def test_a_good_portrait_needs_no_advice_and_a_poor_one_gets_the_right_one(
    reader: AttributeReader, pipeline: Pipeline, hopper: bytes
) -> None:
    portrait = pixels(hopper)
    poor = {
        "come_nearer": degrade.low_resolution(portrait, 1.0)[::10, ::10],
        "more_light": degrade.brightness(portrait, 0.15),
        "hold_still": degrade.blur(portrait, 6),
    }
    box = pipeline.detect(hopper, Stopwatch()).faces[0].face.box
    poor["show_whole_face"] = portrait[:, round(box.x + 0.4 * box.width) :]

    assert estimates(reader, pipeline, portrait)[1].value == ()
    for expected, picture in poor.items():
        value = estimates(reader, pipeline, picture)[1].value
        assert isinstance(value, tuple)
        assert expected in value, (expected, value)


def test_components_by_the_standard_fall_where_a_picture_gets_worse_in_their_respect(
    reader: AttributeReader, pipeline: Pipeline, hopper: bytes
) -> None:
    portrait = pixels(hopper)
    box = pipeline.detect(hopper, Stopwatch()).faces[0].face.box
    worse = {
        "InterEyeDistance": portrait[::6, ::6],
        "LuminanceMean": degrade.brightness(portrait, 0.3),
        "UnderExposurePrevention": degrade.brightness(portrait, 0.15),
        "OverExposurePrevention": degrade.brightness(portrait, 3.0),
        "DynamicRange": degrade.brightness(portrait, 0.15),
        "LeftwardCropOfTheFaceImage": portrait[:, round(box.x + 0.1 * box.width) :],
        "RightwardCropOfTheFaceImage": portrait[:, : round(box.x + 0.9 * box.width)],
        "HeadPoseRoll": np.rot90(portrait),
    }
    good = estimates(reader, pipeline, portrait)[1].components

    assert {*worse, "LuminanceVariance", "HeadPoseYaw", "HeadPosePitch"} == good.keys()
    for name, picture in worse.items():
        found = estimates(reader, pipeline, picture)[1].components
        assert found[name].quality < good[name].quality - 5, (name, good[name], found[name])


def test_components_have_the_values_of_the_formulas_on_a_picture_with_known_luminance(
    reader: AttributeReader, pipeline: Pipeline, hopper: bytes
) -> None:
    """A grey of 188 in sRGB has half of the luminance of white."""
    grey = np.full_like(pixels(hopper), 188)
    [face] = pipeline.detect(hopper, Stopwatch(), max_faces=1).faces
    view = FaceView(pixels=grey, divisor=1, face=face.face, quality=face.quality)

    found = iso_29794_5.components(view, HeadPose(yaw=60.0, pitch=45.0, roll=0.0), 0.0)

    left, right = face.face.landmarks[:2]
    assert found["LuminanceMean"].value == pytest.approx(0.5, abs=0.005)
    assert found["LuminanceMean"].quality == 100
    assert (found["LuminanceVariance"].value, found["DynamicRange"].value) == (0, 0)
    assert (found["UnderExposurePrevention"].quality, found["OverExposurePrevention"].quality) == (100, 100)
    assert (found["HeadPoseYaw"].quality, found["HeadPosePitch"].quality) == (25, 50)
    assert found["InterEyeDistance"].value == pytest.approx(2 * np.hypot(*(right - left)), rel=1e-5)


def test_damaged_weights_of_forbidden_attributes_do_not_keep_the_quality_from_being_estimated(
    pipeline: Pipeline, hopper: bytes, tmp_path: Path
) -> None:
    for file in (published.MASK, published.GLASSES, published.IRIS, *HEAD_POSE):
        (tmp_path / Path(file.name).name).write_bytes(b"damaged")
    store = WeightStore(folder=tmp_path / "store", mirror=tmp_path)
    quality = [Attribute.QUALITY]
    photograph = pipeline.detect(hopper, Stopwatch(), max_faces=1)
    every = AttributeReader(tuple(Attribute), store, threads=1)

    [by_installation] = AttributeReader(quality, store, threads=1).read(photograph, quality, Stopwatch())
    [by_gallery] = every.read(photograph, quality, Stopwatch(), gallery_permits=["quality"])

    assert by_installation == by_gallery
    assert "head_pose_yaw" not in by_gallery["quality"].scores
    assert every.usable(quality, ["quality"]) == (Attribute.QUALITY,)
    for permitted in ("pose", "mask", "glasses", "eyes"):
        assert every.usable(quality, ["quality", permitted]) == ()
        with pytest.raises(WeightsDamaged):
            every.read(photograph, quality, Stopwatch(), gallery_permits=["quality", permitted])


@pytest.fixture
def strict(database: Database, settings: Settings) -> Iterator[TestClient]:
    """A service that enrols large faces only."""
    with TestClient(create_app(settings.model_copy(update={"min_face_px": 400.0}))) as client:
        client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
        yield client


def test_a_rejection_and_a_detected_face_say_what_would_help(
    strict: TestClient, hopper: bytes, tmp_path: Path
) -> None:
    small = jpeg(np.ascontiguousarray(pixels(hopper)[::10, ::10]))
    rejected = strict.post("/v1/galleries/staff/identities", files={"images": small}).json()["rejected"][0]
    [face] = strict.post("/v1/detect", files={"image": small}).json()["faces"]

    assert rejected["code"] == "face_too_small"
    assert "come_nearer" in rejected["advice"]
    assert "come_nearer" in face["advice"]
