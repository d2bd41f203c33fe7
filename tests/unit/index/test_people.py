"""Searches for people with templates, compared with the scores of all rows by NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.index import tiers
from indexer.index.build import build
from indexer.index.people.owner_rows import OwnerRows
from indexer.mean_template import mean_templates
from indexer.types import Owners, Tier, Vectors
from tests.unit.index.test_identities import DIMENSION, REQUIREMENT, people, searcher_of, unit


def with_templates(vectors: Vectors, owners: Owners, lacking: set[int]) -> tuple[Vectors, Owners]:
    """The faces, and after them the template of each person with several, except those `lacking` one."""
    order = np.argsort(owners, kind="stable")
    persons, starts = np.unique(owners[order], return_index=True)
    templates, have = mean_templates(vectors[order], starts)
    have &= ~np.isin(persons, list(lacking))
    rounded = templates[have].astype(np.float16).astype(np.float32)
    return np.concatenate([vectors, rounded]), np.concatenate([owners, -persons[have]])


def expected(probe: Vectors, vectors: Vectors, owners: Owners) -> list[float]:
    """The score of each person, best first: every row of the index is compared."""
    scores = vectors @ probe
    found = []
    for person in set(owners[owners > 0].tolist()):
        face = scores[owners == person].max()
        template = scores[owners == -person]
        found.append(float((face + template[0]) / 2 if len(template) else face))
    return sorted(found, reverse=True)


few_with_many = st.lists(st.integers(1, 300), min_size=1, max_size=6)
many_with_few = st.lists(st.integers(1, 5), min_size=1, max_size=150)


@pytest.mark.parametrize("tier", [Tier.EXACT, Tier.EXACT_FP16, Tier.GPU])
@given(
    seed=st.integers(0, 10_000),
    faces=few_with_many | many_with_few,
    k=st.integers(1, 12),
    spread=st.sampled_from([0.02, 0.3, 3.0]),
    without_template=st.sampled_from([0, 3]),
    whole_people_deleted=st.integers(0, 3),
    width=st.sampled_from([2, 16, 128]),
)
@settings(max_examples=25, deadline=None)
def test_a_search_returns_the_people_with_the_highest_fused_scores(
    tier: Tier,
    seed: int,
    faces: list[int],
    k: int,
    spread: float,
    without_template: int,
    whole_people_deleted: int,
    width: int,
) -> None:
    """However few rows the first scan reads: what is not known of the best is computed."""
    vectors, owners = people(seed, faces, spread)
    persons = np.unique(owners)
    vectors, owners = with_templates(vectors, owners, set(persons[:without_template].tolist()))
    keys = np.arange(len(owners), dtype=np.int64) * 3 + 1
    searcher = searcher_of(tier)
    for start in range(0, len(keys), 150):
        part = slice(start, start + 150)
        searcher.add(keys[part], vectors[part], owners[part])
    gone = np.isin(np.abs(owners), persons[-whole_people_deleted:]) & (whole_people_deleted > 0)
    searcher.remove(keys[gone])
    probes = np.concatenate([unit(seed + 2, 2), vectors[:2]])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiers, "fused_width", lambda _: width)
        answer = searcher.search_identities(probes, k)

    tolerance = 3e-3 if tier is Tier.GPU else 1e-5
    assert searcher.templates == int((owners[~gone] < 0).sum())
    for row, probe in enumerate(probes):
        found = answer.keys[row] >= 0
        wanted = expected(probe, vectors[~gone], owners[~gone])[:k]
        np.testing.assert_allclose(answer.scores[row][found], wanted, atol=tolerance)
        places = np.searchsorted(keys, answer.keys[row][found])
        assert len(set(owners[places].tolist())) == len(places), "each person once, by a face"
        for place, face, template, count in zip(
            places,
            answer.face_scores[row][found],
            answer.template_scores[row][found],
            answer.faces[row][found],
            strict=True,
        ):
            person, scores = owners[place], vectors @ probe
            assert person > 0
            assert abs(scores[place] - face) < tolerance
            assert abs(scores[owners == person].max() - face) < tolerance
            if (owners == -person).any():
                assert abs(scores[owners == -person][0] - template) < tolerance
                assert count == (owners == person).sum()
            else:
                assert np.isnan(template)
                assert count == 0


def test_compact_finds_the_same_people_as_the_fused_scan() -> None:
    faces, owners = people(5, 900 * [3], 0.3)
    vectors, owners = with_templates(faces, owners, set())
    keys = np.arange(len(owners), dtype=np.int64)
    searcher = build(Tier.COMPACT, DIMENSION, lambda take: take(keys, vectors, owners), REQUIREMENT).searcher
    assert searcher.tier is Tier.COMPACT

    answer = searcher.search_identities(faces[:50], 1)

    wanted = [expected(probe, vectors, owners)[0] for probe in faces[:50]]
    np.testing.assert_allclose(answer.scores[:, 0], wanted, atol=2e-3)


def test_a_template_that_was_replaced_does_not_count() -> None:
    faces, owners = people(6, [2, 2, 2], 0.1)
    vectors, owners = with_templates(faces, owners, set())
    searcher = searcher_of(Tier.EXACT)
    keys = np.arange(len(owners), dtype=np.int64)
    searcher.add(keys, vectors, owners)
    person = int(-owners[-1])
    searcher.remove(keys[-1:])
    replaced = searcher.search_identities(vectors[owners == person][:1], 1)
    assert np.isnan(replaced.template_scores[0, 0])

    searcher.add(np.array([100]), unit(9, 1), np.array([-person]))
    answer = searcher.search_identities(vectors[owners == person][:1], 1)

    template = float(unit(9, 1)[0] @ vectors[owners == person][0])
    assert answer.template_scores[0, 0] == pytest.approx(template, abs=1e-5)
    assert answer.scores[0, 0] == pytest.approx((1 + template) / 2, abs=1e-3)


@given(parts=st.lists(st.lists(st.integers(-4, 4), max_size=20), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_the_rows_of_an_owner_are_found_while_rows_are_added(parts: list[list[int]]) -> None:
    owners = np.array(parts[0], np.int64)
    of_owner = OwnerRows(owners)
    for part in parts[1:]:
        owners = np.concatenate([owners, np.array(part, np.int64)])
        of_owner.grow(owners)

    wanted = np.array([3, -2, 0, 9])
    places, slice_of = of_owner.places(of_owner.of(wanted))

    for number, owner in enumerate(wanted.tolist()):
        assert places[slice_of == number].tolist() == np.flatnonzero(owners == owner).tolist()
    assert of_owner.last(of_owner.of(wanted)).tolist() == [
        int(np.flatnonzero(owners == owner)[-1]) if (owners == owner).any() else -1 for owner in wanted
    ]
