"""Galleries enlarged by synthetic distractors, on vectors of a known distribution."""

from typing import Any

import numpy as np
import pytest

from indexer.errors import InvalidRequest
from indexer.evaluation.identification import distractors
from indexer.evaluation.identification.growth import grow
from indexer.evaluation.open_set import split_labels
from indexer.types import Vectors


def unit(vectors: Any) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module")
def people() -> tuple[Vectors, np.ndarray]:
    """60 people of three images and 200 of one, really drawn from a Gaussian that leans one way."""
    rng = np.random.default_rng(0)
    labels = np.concatenate([np.repeat(np.arange(60), 3), np.arange(60, 260)])
    centres = rng.standard_normal((260, 16)) * np.linspace(2, 0.2, 16) + 0.3
    return unit(centres[labels] + rng.standard_normal((len(labels), 16)) * 0.35), labels


def test_samples_have_the_mean_and_the_covariance_of_the_fitted_embeddings() -> None:
    rng = np.random.default_rng(1)
    real = unit(rng.standard_normal((5_000, 4)) * [0.3, 0.1, 0.1, 0.2] + [1, 0, 0, 1])

    sampled = np.concatenate(list(distractors.fit(real).blocks(20_000, 0)))

    assert sampled.mean(axis=0) == pytest.approx(real.mean(axis=0), abs=0.01)
    assert np.cov(sampled, rowvar=False) == pytest.approx(np.cov(real, rowvar=False), abs=0.005)
    assert np.linalg.norm(sampled, axis=1) == pytest.approx(np.ones(20_000), abs=1e-5)


def test_the_first_distractors_of_a_seed_are_the_same_for_any_number() -> None:
    crowd = distractors.fit(unit(np.random.default_rng(2).standard_normal((50, 8))))

    small = np.concatenate(list(crowd.blocks(12_000, 3)))
    large = np.concatenate(list(crowd.blocks(25_000, 3)))

    assert np.array_equal(small, large[:12_000])
    assert not np.array_equal(small[:10], next(crowd.blocks(10, 4)))


def test_fewer_people_than_dimensions_can_be_fitted_and_one_cannot() -> None:
    vectors = unit(np.random.default_rng(3).standard_normal((5, 32)))

    [block] = distractors.fit(vectors).blocks(7, 0)

    assert block.shape == (7, 32)
    with pytest.raises(InvalidRequest, match="two people"):
        distractors.fit(vectors[:1])


def test_a_larger_gallery_is_never_easier(people: tuple[Vectors, np.ndarray]) -> None:
    vectors, labels = people
    growth = grow(vectors, np.ones(len(labels), bool), split_labels(labels), sizes=(50, 300, 3_000, 12_345))

    assert [point.gallery for point in growth.points] == [60, 300, 3_000, 12_345], "50 is below the real one"
    assert [point.synthetic for point in growth.points] == [0, 240, 2_940, 12_285]
    assert all(point.real == 60 for point in growth.points)
    rank1s = [point.rank1 for point in growth.points]
    thresholds = [point.threshold for point in growth.points]
    assert rank1s == sorted(rank1s, reverse=True)
    assert rank1s[-1] < rank1s[0]
    assert thresholds == sorted(thresholds)
    assert growth.fitted_people == 260


def test_synthetic_distractors_are_as_hard_as_real_gaussian_ones(
    people: tuple[Vectors, np.ndarray],
) -> None:
    vectors, labels = people
    growth = grow(vectors, np.ones(len(labels), bool), split_labels(labels), sizes=())

    real, synthetic = growth.with_real, growth.with_synthetic
    assert real is not None
    assert synthetic is not None
    assert (real.gallery, real.synthetic) == (160, 0)
    assert (synthetic.gallery, synthetic.synthetic) == (160, 100)
    assert synthetic.rank1 == pytest.approx(real.rank1, abs=0.08)


def test_a_probe_without_a_face_is_missed_at_every_size(people: tuple[Vectors, np.ndarray]) -> None:
    vectors, labels = people
    found = np.ones(len(labels), bool)
    found[1] = False  # a mated probe

    growth = grow(vectors, found, split_labels(labels), sizes=(500,))

    assert all(point.rank1 < 1 for point in growth.points)
    assert growth.points[-1].threshold > -1
