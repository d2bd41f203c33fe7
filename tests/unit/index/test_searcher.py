"""The exact index against a plain NumPy search: the same faces and scores after any changes."""

from uuid import uuid4

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from indexer.index.digest import Digest
from indexer.index.live import LiveIndex
from indexer.types import LOG_START, Change, ChangeKind, LogPosition, Tier, Vectors
from tests.support.vectors import empty_searcher, unit_vectors

DIMENSION = 8


def unit(seed: int, count: int = 1) -> Vectors:
    return unit_vectors(seed, count, DIMENSION)


@given(seed=st.integers(0, 10_000), count=st.integers(0, 200), k=st.integers(1, 250))
def test_search_equals_sorting_all_dot_products(seed: int, count: int, k: int) -> None:
    vectors, probes = unit(seed, count), unit(seed + 1, 3)
    keys = np.random.default_rng(seed).permutation(10 * count + 1)[:count].astype(np.int64)
    keys.sort()
    searcher = empty_searcher(Tier.EXACT, DIMENSION)
    searcher.add(keys, vectors, keys)

    scores, found = searcher.search(probes, k)

    exact = probes @ vectors.T
    order = np.argsort(-exact, axis=1)[:, :k]
    assert found.shape == (3, min(k, count))
    np.testing.assert_allclose(scores, np.take_along_axis(exact, order, axis=1), atol=1e-5)
    np.testing.assert_array_equal(found, keys[order])


class Replay(RuleBasedStateMachine):
    """Enrols, deletes and replays in any order; a dictionary says what must be in the index."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Change] = []
        self.model: dict[int, np.ndarray] = {}
        self.index = LiveIndex(empty_searcher(Tier.EXACT, DIMENSION))

    @rule(count=st.integers(1, 5))
    def enrol(self, count: int) -> None:
        for _ in range(count):
            key = len(self.log) + 1
            vector = unit(key)[0]
            self.log.append(
                Change(
                    number=len(self.log) + 1,
                    token=uuid4(),
                    kind=ChangeKind.ENROL,
                    key=key,
                    vector=vector,
                    owner=key,
                )
            )
            self.model[key] = vector

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.model)))
        del self.model[key]
        self.log.append(
            Change(
                number=len(self.log) + 1,
                token=uuid4(),
                kind=ChangeKind.DELETE,
                key=key,
                vector=None,
                owner=None,
            )
        )

    @rule(back=st.integers(0, 5), ahead=st.integers(0, 10))
    def replay_a_stretch_that_may_overlap(self, back: int, ahead: int) -> None:
        start = max(0, self.index.applied - back)
        self.index.apply(self.log[start : self.index.applied + ahead])

    @rule()
    def restart(self) -> None:
        """A new index from the current state, as after a start."""
        keys = np.array(sorted(self.model), np.int64)
        vectors = np.array([self.model[key] for key in keys], np.float32).reshape(-1, DIMENSION)
        searcher, digest = empty_searcher(Tier.EXACT, DIMENSION), Digest()
        searcher.add(keys, vectors, keys)
        digest.add(keys, vectors)
        last = self.log[-1] if self.log else LOG_START
        position = LogPosition(number=last.number, token=last.token)
        self.index = LiveIndex(searcher, position=position, digest=digest)

    @invariant()
    def caught_up_it_holds_just_the_enrolled(self) -> None:
        self.index.apply(self.log[self.index.applied :])
        assert self.index.applied == len(self.log)
        assert self.index.count == len(self.model)
        probe = unit(0)
        [found] = self.index.search(probe, len(self.model) + 3)
        expected = {key: float(vector @ probe[0]) for key, vector in self.model.items()}
        assert {n.key for n in found} == set(expected)
        for neighbour in found:
            assert abs(neighbour.score - expected[neighbour.key]) < 1e-5
        digest = Digest()
        for key, vector in self.model.items():
            digest.add(np.array([key]), vector[np.newaxis])
        assert self.index.digest == digest.hex, "the digest depends on the contents, not on the way there"


TestReplay = Replay.TestCase
TestReplay.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
