"""A few small photographs, prepared for training."""

from pathlib import Path

import pytest

from indexer.training.data import dataset
from indexer.training.data.faces import Faces, prepare
from indexer.training.options import Options
from indexer.vision.detection.detect import Detector
from indexer.vision.detection.refine import LandmarkRefiner
from indexer.vision.detection.yunet import YuNet
from indexer.weights.locate import locate
from indexer.weights.published import YUNET
from tests.support.pictures import tinted_people


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector(YuNet(locate(YUNET), min_confidence=0.7), size_px=1024)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory, hopper: bytes, collins: bytes) -> Path:
    return tinted_people(tmp_path_factory.mktemp("people"), hopper, collins)


@pytest.fixture(scope="session")
def faces(
    people: Path, detector: Detector, refiner: LandmarkRefiner, tmp_path_factory: pytest.TempPathFactory
) -> Faces:
    cache = tmp_path_factory.mktemp("cache")
    return prepare(dataset.read(people), cache, detector, refiner, max_pixels=10**7, threads=2)


@pytest.fixture(scope="session")
def sides(faces: Faces) -> tuple[Faces, Faces]:
    """To train on, and to validate with."""
    held = {"Grace_3", "Eileen_3"}
    return (
        faces.where(lambda sample: sample.identity not in held),
        faces.where(lambda sample: sample.identity in held),
    )


@pytest.fixture
def options(people: Path, tmp_path: Path) -> Options:
    """Four steps of the smallest backbone."""
    out = tmp_path / "run"
    out.mkdir()
    return Options(data=people, out=out, backbone="paper", dimension=16, steps=4, pairs=2, evaluate_every=2)
