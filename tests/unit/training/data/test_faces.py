"""Each face is detected once, also by interrupted runs, and failures have a reason."""

import errno
import fcntl
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from indexer.errors import Busy, InvalidRequest
from indexer.training.data import dataset
from indexer.training.data.dataset import Sample
from indexer.training.data.faces import Faces, prepare
from indexer.types import Image
from indexer.vision.detection.detect import Detector
from indexer.vision.detection.refine import LandmarkRefiner
from indexer.vision.detection.yunet import YuNet
from indexer.weights.locate import locate
from indexer.weights.published import YUNET


class Counting(Detector):
    """Knows how many pictures it has been shown."""

    shown = 0

    def detect(self, image: Image) -> list:  # type: ignore[type-arg]
        self.shown += 1
        return super().detect(image)


@pytest.fixture
def counting(detector: Detector) -> Counting:
    return Counting(YuNet(locate(YUNET), min_confidence=0.7), size_px=1024)


def found(people: Path, cache: Path, detector: Detector, refiner: LandmarkRefiner) -> Faces:
    return prepare(dataset.read(people), cache, detector, refiner, max_pixels=10**7, threads=2)


def test_photographs_without_a_face_are_listed_with_a_reason(
    people: Path, tmp_path: Path, counting: Counting, nobody: bytes, refiner: LandmarkRefiner
) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(people / "Grace_0", mixed / "Grace")
    (mixed / "Grace" / "nobody.jpg").write_bytes(nobody)
    (mixed / "Grace" / "broken.jpg").write_bytes(b"\xff\xd8 no picture")
    missing = Sample(file=mixed / "Grace" / "gone.jpg", identity="Grace")

    faces = prepare(
        [*dataset.read(mixed), missing], tmp_path / "c", counting, refiner, max_pixels=10**7, threads=2
    )

    assert len(faces) == 3
    failures = {failure.file.name: failure.why for failure in faces.failures}
    assert set(failures) == {"nobody.jpg", "broken.jpg", "gone.jpg"}
    assert failures["nobody.jpg"] == "no face was detected"
    with pytest.raises(InvalidRequest, match="no face"):
        prepare([missing], tmp_path / "c", counting, refiner, max_pixels=10**7, threads=1)


def test_a_second_run_detects_nothing_but_changed_files(
    people: Path, tmp_path: Path, counting: Counting, collins: bytes, refiner: LandmarkRefiner
) -> None:
    mine = shutil.copytree(people / "Grace_0", tmp_path / "mine" / "Grace").parent
    first = found(mine, tmp_path / "cache", counting, refiner)
    again = found(mine, tmp_path / "cache", counting, refiner)
    assert counting.shown == 3
    assert again.digest == first.digest
    np.testing.assert_array_equal(again.pixels(1)[0], first.pixels(1)[0])

    (mine / "Grace" / "1.jpg").write_bytes(collins)
    changed = found(mine, tmp_path / "cache", counting, refiner)

    assert counting.shown == 4
    assert changed.digest != first.digest
    assert changed.pixels(1)[0].shape != first.pixels(1)[0].shape


def test_an_unreadable_file_is_tried_again_by_the_next_run(
    people: Path,
    tmp_path: Path,
    counting: Counting,
    monkeypatch: pytest.MonkeyPatch,
    refiner: LandmarkRefiner,
) -> None:
    mine = shutil.copytree(people / "Grace_0", tmp_path / "mine" / "Grace").parent
    read = Path.read_bytes

    def failing(file: Path) -> bytes:
        if file.name == "1.jpg":
            raise OSError(errno.EIO, "Input/output error")
        return read(file)

    with monkeypatch.context() as once:
        once.setattr(Path, "read_bytes", failing)
        first = found(mine, tmp_path / "cache", counting, refiner)
    again = found(mine, tmp_path / "cache", counting, refiner)

    assert [failure.why for failure in first.failures] == ["cannot read the file: Input/output error"]
    assert (len(first), len(again), counting.shown) == (2, 3, 3)


def test_a_file_that_was_too_large_is_tried_again_with_a_higher_limit(
    people: Path, tmp_path: Path, counting: Counting, refiner: LandmarkRefiner
) -> None:
    samples = dataset.read(people)
    with pytest.raises(InvalidRequest, match="no face"):
        prepare(samples, tmp_path / "cache", counting, refiner, max_pixels=100, threads=2)
    faces = prepare(samples, tmp_path / "cache", counting, refiner, max_pixels=10**7, threads=2)
    assert len(faces) == len(samples)


def test_another_detector_has_its_own_entries(
    people: Path, tmp_path: Path, counting: Counting, refiner: LandmarkRefiner
) -> None:
    mine = shutil.copytree(people / "Grace_0", tmp_path / "mine" / "Grace").parent
    found(mine, tmp_path / "cache", counting, refiner)
    stricter = Counting(YuNet(locate(YUNET), min_confidence=0.999), size_px=1024)
    with pytest.raises(InvalidRequest, match="no face"):
        found(mine, tmp_path / "cache", stricter, refiner)
    assert stricter.shown == 3


@pytest.mark.parametrize("lost", ["half a line", "half a crop", "the lines"])
def test_an_interrupted_run_continues_with_the_missing_faces(
    people: Path, tmp_path: Path, counting: Counting, lost: str, refiner: LandmarkRefiner
) -> None:
    mine = shutil.copytree(people / "Grace_0", tmp_path / "mine" / "Grace").parent
    whole = found(mine, tmp_path / "cache", counting, refiner)
    before = [whole.pixels(place)[0] for place in range(3)]
    jpegs, lines = tmp_path / "cache" / "faces.jpegs", tmp_path / "cache" / "faces.jsonl"
    if lost == "half a line":
        lines.write_bytes(lines.read_bytes()[:-20])
    elif lost == "half a crop":
        last = json.loads(lines.read_text().splitlines()[-1])
        jpegs.write_bytes(jpegs.read_bytes()[: last["at"] + 5])
    else:
        lines.unlink()

    counting.shown = 0
    again = found(mine, tmp_path / "cache", counting, refiner)

    assert counting.shown == (3 if lost == "the lines" else 1)
    for place in range(3):
        np.testing.assert_array_equal(again.pixels(place)[0], before[place])
    assert [sample.file for sample in again.samples] == [sample.file for sample in whole.samples]


def test_two_processes_do_not_fill_one_cache_at_once(
    people: Path, tmp_path: Path, counting: Counting, refiner: LandmarkRefiner
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Busy, match="another process"):
            found(people, cache, counting, refiner)
    assert counting.shown == 0
