"""Small heads on made features: what a face is compared with, and leave-subjects-out."""

from pathlib import Path

import numpy as np
import pytest
import torch

from indexer.attributes.heads.trained_expression import FEATURE_DIMENSION
from indexer.errors import InvalidRequest
from indexer.evaluation.attributes.expression.data import LabelledPicture
from indexer.training.expression.features import LabelledFeatures
from indexer.training.expression.folds import fit_heads, leave_subjects_out
from indexer.training.expression.references import references

NAMES = ("anger", "fear", "happiness")
STEPS = 30


def made(people: int, *, habit: float, missed: int = 0) -> LabelledFeatures:
    """Three expressions of each person, twice. `habit`: how much a person always shows of each
    expression, against 1 of the one that they make."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(len(NAMES), FEATURE_DIMENSION))
    pictures, faces = [], []
    for person in range(people):
        own = habit * rng.normal(size=len(NAMES)) @ directions
        for number, name in enumerate(NAMES * 2):
            file = Path(f"p{person}_{number}.png")
            pictures.append(LabelledPicture(file=file, expression=name, person=f"p{person}"))
            faces.append(directions[number % 3] + own + 0.5 * rng.normal(size=FEATURE_DIMENSION))
    rows = np.array(faces, np.float32)
    return LabelledFeatures(
        pictures=tuple(pictures),
        faces=rows,
        mirrored=rows,
        published=("fear",) * len(rows),
        undetected=tuple(pictures[:missed]),
    )


def test_a_face_is_compared_with_the_neutral_pictures_of_its_person_where_there_are_some() -> None:
    features = np.arange(5, dtype=np.float32)[:, None]
    people = np.array(["a", "a", "a", "b", "b"])
    expressions = np.array(["fear", "neutral", "neutral", "fear", "neutral"])

    rows, found = references(features, people, expressions)

    assert rows[:, 0].tolist() == [1.5, 2.0, 1.0, 4.0, 0.0]
    assert found.tolist() == [True, True, True, True, False], "the only neutral one of b has none"


def test_without_neutral_pictures_each_expression_of_the_person_weighs_the_same() -> None:
    features = np.array([[0], [2], [4], [10], [7]], np.float32)
    people = np.array(["a", "a", "a", "a", "b"])
    expressions = np.array(["fear", "fear", "fear", "anger", "fear"])

    rows, found = references(features, people, expressions)

    assert rows[0, 0] == (3 + 10) / 2, "other pictures of its own expression count"
    assert rows[3, 0] == 2
    assert found.tolist() == [True, True, True, True, False]


def test_the_same_seed_gives_the_same_heads_and_leaves_the_generator_of_others_alone() -> None:
    features = made(5, habit=0.5)
    everybody = np.ones(len(features.pictures), np.bool_)
    before = torch.random.get_rng_state()

    one, same, other = (
        fit_heads(features, list(NAMES), everybody, steps=STEPS, seed=seed) for seed in (1, 1, 2)
    )

    assert torch.equal(before, torch.random.get_rng_state())
    for part in ("alone", "comparison"):
        weights = [getattr(heads, part).projection.weight for heads in (one, same, other)]
        assert torch.equal(weights[0], weights[1])
        assert not torch.equal(weights[0], weights[2])


def test_a_comparison_helps_where_people_always_show_some_of_an_expression() -> None:
    result = leave_subjects_out(made(12, habit=2.0), steps=STEPS, seed=0)

    published, alone, comparison, _ = (method.accuracy for method in result.methods)
    assert published == pytest.approx(1 / 3)
    assert comparison > alone + 0.2
    assert result.comparison_helps


def test_a_comparison_that_adds_nothing_is_not_said_to_help() -> None:
    result = leave_subjects_out(made(10, habit=0.0), steps=STEPS, seed=0)

    assert result.methods[1].accuracy == 1
    assert not result.comparison_helps


def test_pictures_without_a_face_are_wrong_answers_of_every_method() -> None:
    result = leave_subjects_out(made(10, habit=0.0, missed=60), steps=STEPS, seed=0)

    assert (result.pictures, result.no_face) == (120, 60)
    assert [method.accuracy for method in result.methods[1:]] == [0.5] * 3


def test_too_few_people_are_rejected_with_how_a_person_is_named() -> None:
    with pytest.raises(InvalidRequest, match="at least 5 people, and found 4: the part of a file's name"):
        leave_subjects_out(made(4, habit=0.0), steps=STEPS, seed=0)
