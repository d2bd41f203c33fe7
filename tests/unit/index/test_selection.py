"""Searches among some people, compared with a plain scan of these people's faces, in all tiers."""

from uuid import uuid4

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.index import tiers
from indexer.index.live import LiveIndex
from indexer.index.searcher import FaissSearcher, Searcher
from indexer.index.selections.selection import SelectedRows, Selection
from indexer.mean_template import mean_templates
from indexer.types import Change, ChangeKind, Owners, Tier, Vectors
from tests.unit.index.test_identities import DIMENSION, people, searcher_of, unit

WAYS = [(tier, few) for tier in Tier for few in (0, tiers.FEW_ROWS) if tier is not Tier.COMPACT or few]
"""`compact` is exact too where it scans the selected rows, as it does with so few."""


def searcher_with(tier: Tier, vectors: Vectors, owners: Owners) -> Searcher:
    keys = np.arange(len(owners), dtype=np.int64)
    if tier is not Tier.COMPACT:
        searcher = searcher_of(tier)
        searcher.add(keys, vectors, owners)
        return searcher
    stored = tiers.exact_index(Tier.EXACT_FP16, vectors.shape[1])
    stored.add(vectors)
    codes = faiss.clone_index(CODES)
    codes.add(vectors)
    index = faiss.IndexRefine(codes, stored)
    return FaissSearcher(tier, index, keys, owners)


CODES = tiers.compact_codes(DIMENSION, unit(0, tiers.MIN_TRAINED))


def selected(draw_people: Owners, share: float, seed: int) -> Owners:
    everybody = np.unique(np.abs(draw_people))
    return everybody[np.random.default_rng(seed).random(len(everybody)) < share]


def plain_scan(
    probe: Vectors, vectors: Vectors, owners: Owners, allowed: NDArray[np.bool_]
) -> list[tuple[float, int]]:
    """Score and person of everybody who has an allowed face, best first: the score of the nearest face; with
    a template, its mean with that of the template."""
    scores = vectors @ probe
    found = []
    for person in np.unique(owners[allowed & (owners > 0)]).tolist():
        score = float(scores[allowed & (owners == person)].max())
        template = np.flatnonzero(allowed & (owners == -person))
        found.append(((score + float(scores[template[-1]])) / 2 if len(template) else score, person))
    return sorted(found, reverse=True)


def with_templates(vectors: Vectors, owners: Owners) -> tuple[Vectors, Owners]:
    """The template of each person with several faces, after the faces."""
    order = np.argsort(owners, kind="stable")
    starts = np.flatnonzero(np.diff(owners[order], prepend=owners[order][0] - 1))
    templates, have = mean_templates(vectors[order], starts)
    templates = templates.astype(np.float16).astype(np.float32)
    of = owners[order][starts]
    return np.concatenate([vectors, templates[have]]), np.concatenate([owners, -of[have]])


def check(searcher: Searcher, probes: Vectors, k: int, selection: Selection, allowed: NDArray[np.bool_],
          vectors: Vectors, owners: Owners) -> None:  # fmt: skip
    answer = searcher.search_identities(probes, k, selection)
    near = 3e-3 if searcher.tier is Tier.GPU else 1e-5
    for probe, scores, keys in zip(probes, answer.scores, answer.keys, strict=True):
        expected = plain_scan(probe, vectors, owners, allowed)[:k]
        found = keys[keys >= 0]
        assert len(found) == len(expected)
        np.testing.assert_allclose(scores[keys >= 0], [score for score, _ in expected], atol=near)
        assert allowed[found].all(), "only selected people who are enrolled"
        assert len(np.unique(owners[found])) == len(found), "each once"
    assert searcher.count_faces(selection) == np.count_nonzero(allowed & (owners > 0))


@pytest.mark.parametrize(("tier", "few_rows"), WAYS)
@given(
    seed=st.integers(0, 10_000),
    faces=st.lists(st.integers(1, 4), min_size=1, max_size=300) | st.lists(st.integers(1, 300), max_size=5),
    k=st.integers(1, 12),
    share=st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.9, 1.0]),
    deleted_share=st.sampled_from([0.0, 0.3]),
    excluded=st.booleans(),
    templates=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_a_search_among_some_people_is_a_plain_scan_of_their_faces(
    tier: Tier,
    few_rows: int,
    seed: int,
    faces: list[int],
    k: int,
    share: float,
    deleted_share: float,
    excluded: bool,
    templates: bool,
) -> None:
    vectors, owners = people(seed, faces or [1], 0.5)
    if templates:
        vectors, owners = with_templates(vectors, owners)
    keys = np.arange(len(owners), dtype=np.int64)
    searcher = searcher_with(tier, vectors, owners)
    listed = selected(owners, share, seed)
    selection = Selection(listed, excluded=excluded)
    is_selected = np.isin(np.abs(owners), listed) ^ excluded
    probes = np.concatenate([unit(seed + 2, 2), vectors[:2]])
    before = tiers.FEW_ROWS
    tiers.FEW_ROWS = few_rows
    try:
        check(searcher, probes, k, selection, is_selected, vectors, owners)
        alive = np.random.default_rng(seed).random(len(keys)) >= deleted_share
        alive |= owners < 0  # a template goes with the last of its faces
        alive &= (owners > 0) | np.isin(-owners, owners[alive & (owners > 0)])
        searcher.remove(keys[~alive])
        check(searcher, probes, k, selection, is_selected & alive, vectors, owners)
    finally:
        tiers.FEW_ROWS = before


@pytest.mark.parametrize("tier", [Tier.EXACT_FP16, Tier.COMPACT])
def test_people_outside_of_the_selection_who_crowd_around_a_probe_hide_nobody(tier: Tier) -> None:
    crowd = np.repeat(unit(1, 1), 7_000, axis=0) + 0.05 * unit(2, 7_000)
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    vectors = np.concatenate([crowd, unit(3, 7_000)]).astype(np.float16).astype(np.float32)
    owners = np.arange(1, len(vectors) + 1)
    searcher = searcher_with(tier, vectors, owners)
    selection = Selection(owners[7_000:])

    answer = searcher.search_identities(vectors[:3], 5, selection)

    expected = np.sort(vectors[:3] @ vectors[7_000:].T, axis=1)[:, :-6:-1]
    np.testing.assert_allclose(answer.scores, expected, atol=1e-5)


@given(
    numbers=st.lists(st.integers(1, 60), max_size=40),
    changes=st.lists(st.tuples(st.integers(1, 80), st.booleans()), max_size=20),
    excluded=st.booleans(),
)
def test_a_selection_with_changes_has_the_people_who_were_added(
    numbers: list[int], changes: list[tuple[int, bool]], excluded: bool
) -> None:
    last = dict(changes)
    chosen = {number for number in range(1, 90) if (number in numbers) ^ excluded}
    chosen = (chosen | {one for one, is_in in last.items() if is_in}) - {
        one for one, is_in in last.items() if not is_in
    }
    selection = Selection(np.array(numbers, np.int64), excluded=excluded)

    changed = selection.replaced(
        np.array([one for one, is_in in last.items() if is_in], np.int64),
        np.array([one for one, is_in in last.items() if not is_in], np.int64),
    )

    owners = np.arange(1, 90)
    assert set(owners[changed.has(owners)].tolist()) == chosen
    assert set(owners[changed.has(-owners)].tolist()) == chosen, "and their templates"
    assert (changed is selection) == np.array_equal(changed.has(owners), selection.has(owners))


def test_rows_that_are_added_later_are_looked_up() -> None:
    rows, selection = SelectedRows(), Selection(np.array([2, 5_000_000]))
    assert rows.of(selection, np.array([1, 2])).tolist() == [False, True]
    assert rows.of(selection, np.array([1, 2, 5_000_000, 3, -2])).tolist() == [
        False, True, True, False, True,
    ]  # fmt: skip


def test_a_live_index_says_when_it_last_removed_a_row() -> None:
    index = LiveIndex(searcher_of(Tier.EXACT))
    assert index.removed_at == 0
    kinds = [ChangeKind.ENROL, ChangeKind.ENROL, ChangeKind.DELETE, ChangeKind.UPDATE]
    [vector] = unit(1, 1)
    for number, kind in enumerate(kinds, start=1):
        enrols = kind is ChangeKind.ENROL
        change = Change(
            number=number,
            token=uuid4(),
            kind=kind,
            key=min(number, 2),
            vector=vector if enrols else None,
            owner=1 if enrols else None,
        )
        index.apply([change])
    assert (index.applied, index.removed_at, index.count) == (4, 3, 1)
