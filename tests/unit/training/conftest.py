"""Two real faces as eight people: a person is a tint of one of them, a photograph a brightness of it."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from indexer.embedding.weights import YUNET, locate
from indexer.training import dataset
from indexer.training.faces import Faces, prepare
from indexer.training.options import Options
from indexer.vision.detect import Detector
from tests.pictures import jpeg, pixels

TINTS = ((1.0, 1.0, 1.0), (1.0, 0.7, 0.7), (0.7, 1.0, 0.7), (0.7, 0.7, 1.0))
LIGHTS = (1.0, 0.8, 0.65)


@pytest.fixture(scope="session")
def detector() -> Detector:
    return Detector(locate(YUNET), min_confidence=0.7, size_px=1024)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory, hopper: bytes, collins: bytes) -> Path:
    """A folder a person, eight of them with three photographs each, and one with a single one."""
    folder = tmp_path_factory.mktemp("people")
    for name, portrait in (("Grace", hopper), ("Eileen", collins)):
        small = np.asarray(PIL.Image.fromarray(pixels(portrait)).resize((160, 180)), np.float64)
        for number, tint in enumerate(TINTS):
            home = folder / f"{name}_{number}"
            home.mkdir()
            for photograph, light in enumerate(LIGHTS):
                tinted = np.clip(small * np.array(tint) * light, 0, 255).astype(np.uint8)
                (home / f"{photograph}.jpg").write_bytes(jpeg(tinted))
    (folder / "Once").mkdir()
    (folder / "Once" / "only.jpg").write_bytes(jpeg(small[:, ::-1].astype(np.uint8)))
    return folder


@pytest.fixture(scope="session")
def faces(people: Path, detector: Detector, tmp_path_factory: pytest.TempPathFactory) -> Faces:
    cache = tmp_path_factory.mktemp("cache")
    return prepare(dataset.read(people), cache, detector, max_pixels=10**7, threads=2)


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
    """Four steps of the smallest trunk."""
    out = tmp_path / "run"
    out.mkdir()
    return Options(data=people, out=out, trunk="paper", dimension=16, steps=4, pairs=2, evaluate_every=2)
