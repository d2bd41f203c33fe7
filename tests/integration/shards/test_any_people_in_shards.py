"""Whatever is enrolled, deleted, merged, split, moved and undone: the answers of the shards, put together,
are those of the whole gallery, and those of a plain model."""

from collections.abc import Iterable
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from indexer.index.digest import Digest
from indexer.index.live import LiveIndex
from indexer.index.selections.selection import Selection
from indexer.records import changes
from indexer.records.database.session import Database
from indexer.records.enrolled.owners import find_owners
from indexer.records.tables import Identity
from indexer.types import NearPerson, Part, Vectors
from tests.integration.people.test_any_people import AnyPeople
from tests.support.indexed_people import MODEL, built, catch_up, empty, template_of, unit

Scores = dict[UUID, float]


class AnyPeopleInShards(AnyPeople):
    """Each shard follows the log at its own pace, and each is also read from PostgreSQL anew."""

    @initialize(shards=st.integers(1, 4), block=st.integers(1, 3))
    def divide(self, shards: int, block: int) -> None:
        self._following = {part: empty() for part in Part.every(shards, block)}

    @rule(data=st.data(), most=st.integers(1, 6))
    def one_shard_follows_a_little(self, data: st.DataObject, most: int) -> None:
        part, index = data.draw(
            st.sampled_from(sorted(self._following.items(), key=lambda one: one[0].shard))
        )
        with self._database.reading() as session:
            tail = changes.read_after(session, self._gallery.id, index.position, MODEL, part)
        index.apply(tail[:most])

    @invariant()
    def all_indexes_have_the_faces_and_the_means(self) -> None:
        """Takes the place of the invariant of the whole gallery."""
        if not hasattr(self, "_following"):
            return
        with self._database.repeatable_read() as session:
            whole = built(session, self._gallery)
            read = [built(session, self._gallery, part=part) for part in self._following]
            replayed = [catch_up(session, self._gallery, empty(), part=part) for part in self._following]
            numbers = {row.id: row.number for row in session.execute(select(Identity.id, Identity.number))}
        for indexes in (read, replayed):
            total = Digest()
            for index in indexes:
                total.join(Digest.from_hex(index.digest))
            assert total.hex == whole.digest
            assert sum(index.count for index in indexes) == whole.count
        self._same_answers(whole, read, numbers)

    def _same_answers(self, whole: LiveIndex, shards: list[LiveIndex], numbers: dict[UUID, int]) -> None:
        probe = unit(10_000 + self._numbers)
        wanted = self._model(probe)
        everybody = len(wanted) + 1
        [of_whole] = whole.search_identities(probe[np.newaxis], everybody)
        of_shards = [
            near for shard in shards for near in shard.search_identities(probe[np.newaxis], everybody)[0]
        ]
        assert self._by_person(of_whole) == pytest.approx(wanted, abs=1e-5)
        assert len(of_shards) == len(wanted), "no person is in two shards"
        assert self._by_person(of_shards) == pytest.approx(wanted, abs=1e-5)
        for k in range(1, everybody):
            best = [near for shard in shards for near in shard.search_identities(probe[np.newaxis], k)[0]]
            best.sort(key=lambda near: -near.score)
            expected = sorted(wanted.values(), reverse=True)[:k]
            assert [near.score for near in best[:k]] == pytest.approx(expected, abs=1e-5)
        chosen = sorted(wanted)[::2]
        selection = Selection(np.array([numbers[person] for person in chosen], np.int64))
        found = [
            near
            for shard in shards
            for near in shard.search_identities(probe[np.newaxis], everybody, selection)[0]
        ]
        assert self._by_person(found) == pytest.approx({one: wanted[one] for one in chosen}, abs=1e-5)
        counted = sum(shard.count_faces(selection) for shard in shards)
        assert counted == sum(len(self._people[person]) for person in chosen)

    def _model(self, probe: Vectors) -> Scores:
        scores = {}
        for person, own in self._people.items():
            if own:
                nearest = max(float(unit(number) @ probe) for number in own.values())
                template = template_of(*own.values()) if len(own) > 1 else None
                scores[person] = nearest if template is None else (nearest + float(template @ probe)) / 2
        return scores

    def _by_person(self, found: Iterable[NearPerson]) -> Scores:
        scores = {near.key: near.score for near in found}
        with self._database.reading() as session:
            owners = find_owners(session, self._gallery.id, list(scores))
        return {owners[key].identity_id: score for key, score in scores.items()}

    def teardown(self) -> None:
        """What followed in steps has the same rows in the end."""
        if not hasattr(self, "_following"):
            return
        with self._database.repeatable_read() as session:
            for part, index in self._following.items():
                caught_up = catch_up(session, self._gallery, index, part=part)
                assert caught_up.digest == built(session, self._gallery, part=part).digest


def test_after_any_changes_the_shards_answer_as_the_whole_gallery_and_a_plain_model_do(
    database: Database,
) -> None:
    run_state_machine_as_test(
        lambda: AnyPeopleInShards(database),  # type: ignore[arg-type]
        settings=settings(
            max_examples=10,
            stateful_step_count=16,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
