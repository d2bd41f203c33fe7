"""Rates of degraded probes at the clean threshold, at known angles."""

from pathlib import Path

import numpy as np
import pytest

from indexer.evaluation.lfw import Person
from indexer.evaluation.robustness.conditions import SERIES
from indexer.evaluation.robustness.rates import EmbeddedConditions, images_of, measure, subset
from indexer.pipeline.embed_files import Embeddings


def person(name: str, images: int) -> Person:
    return Person(name=name, images=tuple(Path(f"{name}_{number}") for number in range(images)))


def embeddings(degrees: dict[str, float | None]) -> Embeddings:
    """None: no face was found."""
    angles = np.radians([0 if angle is None else angle for angle in degrees.values()])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    found = np.array([angle is not None for angle in degrees.values()])
    vectors[~found] = 0
    return Embeddings(files=tuple(Path(name) for name in degrees), vectors=vectors, found=found)


def test_a_subset_has_two_images_per_person_and_is_reproducible() -> None:
    people = [person(f"p{n}", 2 + n % 4) for n in range(20)] + [person(f"q{n}", 1) for n in range(30)]

    chosen = subset(people, 5)

    assert (len(chosen.gallery), len(chosen.mated), len(chosen.nonmated)) == (5, 5, 5)
    assert all(str(file).endswith("_1") for file in chosen.mated)
    assert chosen == subset(people, 5)
    assert chosen != subset(people, 5, seed=1)
    assert len(subset(people, 100).gallery) == 20


def test_the_number_of_images_is_known_before_they_are_embedded() -> None:
    open_set = subset([person("a", 2), person("b", 2), person("c", 1)], 9)
    [rotation] = [series for series in SERIES if series.name == "rotation"]

    assert images_of(open_set, [rotation]) == 2 + 3 * (1 + 7)


def test_an_undetected_face_is_a_miss_and_the_threshold_is_that_of_clean_probes() -> None:
    people = [person("a", 2), person("b", 2), person("x", 1), person("y", 1)]
    open_set = subset(people, 9)
    enrolled: dict[str, float | None] = {"a_0": 0, "b_0": 90}
    # Clean: both 10 degrees off; the strangers 40 and 45 from the nearest.
    clean = embeddings(enrolled | {"a_1": 10, "b_1": 80, "x_0": 40, "y_0": 45})
    # Degraded: a is not found, b at 50 is still first but below the threshold; a stranger comes near.
    worse = embeddings({"a_1": None, "b_1": 50, "x_0": 20, "y_0": None})
    [rotation] = [series for series in SERIES if series.name == "rotation"]
    embedded = EmbeddedConditions(clean=[clean], degraded=[(rotation, rotation.levels[0], [worse])], faces={})

    result = measure(embedded, 0, open_set, seconds=1, model="m")

    assert result.threshold == pytest.approx(np.cos(np.radians(40)), abs=1e-6)
    assert (result.clean.rank1, result.clean.fnir, result.clean.fpir, result.clean.not_found) == (1, 0, 0, 0)
    [rates] = result.conditions
    assert (rates.series, rates.level) == ("rotation", "10°")
    assert rates.rank1 == 0.5
    assert rates.fnir == 1, "b is 40 degrees from itself: its score is not above the threshold"
    assert rates.fpir == 0.5
    assert rates.not_found == 0.5
