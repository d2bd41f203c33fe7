"""The people nearest to faces: how PostgreSQL is asked for their names."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import numpy as np
import pytest

from indexer.embedding.card import ModelCard
from indexer.records.enrolled.owners import Owner
from indexer.records.tables import Gallery
from indexer.request_timings import Stopwatch
from indexer.types import NearPerson
from indexer.usecases.searches import nearest
from indexer.usecases.searches.nearest import Hit, nearest_people, one_face_each


def owner(number: int) -> Owner:
    return Owner(face_id=UUID(int=number), identity_id=UUID(int=number), external_id=str(number), name=None)


def near(key: int, score: float) -> NearPerson:
    return NearPerson(key=key, score=score, face_score=score, template_score=None, faces=None)


def hits(*scores: tuple[int, float]) -> list[Hit]:
    return [Hit(owner(number), near(number, score)) for number, score in scores]


def test_the_people_of_all_faces_of_a_picture_are_read_in_one_query(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [[near(key, 0.9) for key in keys] for keys in (range(100), range(50, 150), range(100))]
    queries: list[set[int]] = []

    def find_owners(_: object, __: object, keys: Collection[int]) -> dict[int, Owner]:
        queries.append(set(keys))
        return {key: owner(key) for key in keys}

    @contextmanager
    def reading() -> Iterator[None]:
        yield

    monkeypatch.setattr(nearest, "find_owners", find_owners)
    index = SimpleNamespace(search_identities=lambda _, __: rows, applied=7, faces=150)
    database: Any = SimpleNamespace(reading=reading)
    index_cache: Any = SimpleNamespace(caught_up=lambda *_: index)
    gallery, card = cast(Gallery, SimpleNamespace(id=UUID(int=1), has_disputes=False)), cast(ModelCard, None)

    found, size, searched, _ = nearest_people(
        database, index_cache, gallery, card, np.zeros((3, 1), np.float32), 100, Stopwatch()
    )

    assert queries == [set(range(150))]
    assert [[hit.owner.external_id for hit in row] for row in found] == [
        [str(neighbour.key) for neighbour in row] for row in rows
    ]
    assert (size, searched) == (150, 150)


def test_each_person_is_given_to_the_face_that_resembles_them_most() -> None:
    given = one_face_each([hits((1, 0.9), (2, 0.8)), hits((1, 0.95), (2, 0.3))], most=1)

    assert given == [hits((2, 0.8)), hits((1, 0.95))]


def test_a_face_whose_people_all_resemble_another_face_more_has_nobody() -> None:
    given = one_face_each([hits((1, 0.9), (2, 0.8)), hits((1, 0.5), (2, 0.4))], most=2)

    assert given == [hits((1, 0.9), (2, 0.8)), []]


def test_a_face_that_may_not_match_takes_nobody_away_from_one_that_may() -> None:
    given = one_face_each(
        [hits((1, 0.9), (2, 0.8)), hits((1, 0.95), (2, 0.3))], most=1, may_match=[True, False]
    )

    assert given == [hits((1, 0.9)), hits((2, 0.3))]
