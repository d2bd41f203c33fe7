"""People who are connected by pairs are one group."""

from uuid import UUID

from indexer.duplicates.gallery_search import SimilarPeople, group
from indexer.records.enrolled.owners import Owner


def person(number: int) -> Owner:
    return Owner(face_id=UUID(int=number), identity_id=UUID(int=number), external_id=None, name=None)


def pair(one: int, other: int, score: float) -> SimilarPeople:
    return SimilarPeople(one=person(one), other=person(other), key=one, other_key=other, score=score)


def test_groups_are_connected_people_and_the_best_pair_comes_first() -> None:
    groups = group([pair(1, 2, 0.6), pair(5, 6, 0.9), pair(2, 3, 0.8), pair(7, 8, 0.7)])

    assert [[(p.one.identity_id.int, p.other.identity_id.int) for p in one] for one in groups] == [
        [(5, 6)],
        [(2, 3), (1, 2)],
        [(7, 8)],
    ]


def test_two_groups_become_one_by_a_pair_between_them() -> None:
    [one] = group([pair(1, 2, 0.9), pair(3, 4, 0.8), pair(1, 4, 0.6)])

    assert [p.score for p in one] == [0.9, 0.8, 0.6]
