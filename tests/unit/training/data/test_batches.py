"""A batch depends only on the seed, the step and the process."""

import numpy as np
import pytest

from indexer.errors import InvalidRequest
from indexer.training.data.augment import DISTANT, FULL, LIGHT, NONE, Augmentation
from indexer.training.data.batches import Batches
from indexer.training.data.faces import Faces
from indexer.types import Image
from indexer.vision import degrade
from indexer.vision.align import ARCFACE_112, align


def of(faces: Faces, *, seed: int = 0, process: int = 0) -> Batches:
    return Batches(faces, ARCFACE_112, FULL, pairs=3, seed=seed, process=process)


def test_pairs_are_side_by_side_and_people_with_one_face_follow(faces: Faces) -> None:
    batch = of(faces).batch(5)
    people = batch.people.tolist()

    assert len(people) == 7, "three pairs, and the only face of the only such person"
    assert [people[i] == people[i + 1] for i in (0, 2, 4)] == [True] * 3
    assert len(set(people)) == 4, "nobody twice"
    assert len(set(batch.places.tolist())) == 7
    assert [faces.samples[place].identity for place in batch.places[-1:]] == ["Once"]
    assert batch.faces.shape == (7, 112, 112, 3)


def test_batches_prepared_by_threads_equal_those_prepared_alone(faces: Faces) -> None:
    for step, batch in enumerate(of(faces).between(2, 6), start=2):
        alone = of(faces).batch(step)
        np.testing.assert_array_equal(batch.places, alone.places)
        np.testing.assert_array_equal(batch.faces, alone.faces)


def test_another_step_seed_or_process_is_another_batch(faces: Faces) -> None:
    batches = [
        of(faces).batch(1),
        of(faces).batch(2),
        of(faces, seed=1).batch(1),
        of(faces, process=1).batch(1),
    ]
    assert len({batch.faces.tobytes() for batch in batches}) == 4


def test_without_augmentation_a_face_is_aligned_as_in_serving(faces: Faces) -> None:
    pixels, crop = faces.pixels(0)
    face = NONE.apply(pixels, crop.landmarks, ARCFACE_112, np.random.default_rng(0))
    np.testing.assert_array_equal(face, align(pixels, crop.landmarks, ARCFACE_112))


@pytest.mark.parametrize("augmentation", [LIGHT, FULL, DISTANT])
def test_augmented_faces_differ_and_are_the_same_for_the_same_number(
    faces: Faces, augmentation: Augmentation
) -> None:
    pixels, crop = faces.pixels(0)

    def view(number: int) -> bytes:
        rng = np.random.default_rng(number)
        made = augmentation.apply(pixels, crop.landmarks, ARCFACE_112, rng)
        assert made.shape == (112, 112, 3)
        return made.tobytes()

    assert len({view(number) for number in range(30)}) == 30
    assert view(7) == view(7)


@pytest.mark.parametrize("augmentation", [FULL, DISTANT])
def test_low_resolution_is_as_frequent_as_configured(
    faces: Faces, augmentation: Augmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels, crop = faces.pixels(0)
    small: list[float] = []
    real = degrade.low_resolution

    def counted(face: Image, factor: float) -> Image:
        small.append(factor)
        return real(face, factor)

    monkeypatch.setattr(degrade, "low_resolution", counted)
    for number in range(600):
        augmentation.apply(pixels, crop.landmarks, ARCFACE_112, np.random.default_rng(number))
    wanted = 600 * augmentation.degraded * augmentation.low_resolution
    assert abs(len(small) - wanted) < 4 * np.sqrt(wanted)
    assert min(small) >= augmentation.smallest


def test_one_person_is_rejected(faces: Faces) -> None:
    with pytest.raises(InvalidRequest, match="two people"):
        of(faces.where(lambda sample: sample.identity in ("Grace_0", "Once")))
