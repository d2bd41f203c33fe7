"""The shards of a gallery as one index."""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import count
from threading import Lock
from typing import Any

import numpy as np

from indexer.cluster.search.answers import ShardAnswer, merged
from indexer.cluster.search.copies import Copies
from indexer.cluster.search.fan_out import fan_out
from indexer.cluster.search.requests import PartSelection, ShardRequest
from indexer.cluster.search.shard_calls import ShardCalls, is_dead
from indexer.cluster.session import Session
from indexer.index.digest import Digest
from indexer.index.live import near_people, neighbours
from indexer.index.people.search import PeopleAnswer
from indexer.index.selections.selection import KEPT, Selection
from indexer.types import GalleryState, LogPosition, NearPerson, Neighbour, Part, Vectors


class PartSelections:
    """The parts of the selections that were used last, by shard. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._parts: OrderedDict[Selection, list[PartSelection]] = OrderedDict()

    def of(self, selection: Selection, parts: list[Part]) -> list[PartSelection]:
        with self._lock:
            known = self._parts.get(selection)
        if known is None:
            known = [PartSelection.of(selection, part) for part in parts]
        with self._lock:
            self._parts[selection] = known
            self._parts.move_to_end(selection)
            while len(self._parts) > KEPT:
                self._parts.popitem(last=False)
        return known


class ShardedIndex:
    """All shards up to the change of one reading of the gallery's row: for one search, or for some.

    Every answer has every change up to that number. Of two shards neither has removed a face by a change that
    the other has not got to: a face that was moved between their people would be in neither answer. Such a
    shard is called again for the later change, until the deadline.
    """

    def __init__(
        self,
        calls: ShardCalls,
        copies: Copies,
        selections: PartSelections,
        gallery: GalleryState,
        deadline: Callable[[], float],
        seen: Callable[[Collection[ShardAnswer]], object],
    ) -> None:
        """`deadline`: of a call that begins now, by the monotonic clock. `seen` gets all answers."""
        self._calls = calls
        self._copies = copies
        self._selections = selections
        self._gallery = gallery
        self._deadline = deadline
        self._seen = seen
        self._answers: list[ShardAnswer] = []
        """The last ones, by shard."""
        self._counted: tuple[Selection, int] | None = None

    @property
    def position(self) -> LogPosition:
        """That of the gallery's row, which all answers have."""
        return self._gallery.position

    @property
    def applied(self) -> int:
        return self.position.number

    @property
    def removed_at(self) -> int:
        return max((answer.state.removed_at for answer in self._answers), default=0)

    @property
    def count(self) -> int:
        return sum(answer.state.count for answer in self._stated())

    @property
    def faces(self) -> int:
        return sum(answer.state.faces for answer in self._stated())

    @property
    def digest(self) -> str:
        """Of all shards together; it has a meaning only where no changes come meanwhile."""
        whole = Digest()
        for answer in self.catch_up():
            whole.join(Digest.from_hex(answer.state.digest))
        return whole.hex

    def catch_up(self, deadline: float | None = None) -> list[ShardAnswer]:
        """Every shard replays the log up to the gallery's row. Raises what `search_identities` does.

        `deadline`: another than that of a call that begins now."""
        return self._ask(ShardRequest(gallery=self._gallery, seconds=0), deadline=deadline)

    def search(self, probes: Vectors, k: int) -> list[list[Neighbour]]:
        request = ShardRequest(gallery=self._gallery, seconds=0, probes=probes, k=k, people=False)
        found = self._merged(self._ask(request), k)
        return neighbours(found.scores, found.keys)

    def search_identities(
        self, probes: Vectors, k: int, selection: Selection | None = None
    ) -> list[list[NearPerson]]:
        """Raises IndexNotReady where a shard does not answer in time, EmbeddingsMissing, GalleryNotFound."""
        request = ShardRequest(gallery=self._gallery, seconds=0, probes=probes, k=k)
        answers = self._ask(request, selection)
        if selection is not None:
            self._counted = selection, sum(answer.selected_faces for answer in answers)
        return near_people(self._merged(answers, k))

    def count_faces(self, selection: Selection) -> int:
        """Known from the last search where that was among the same people."""
        if self._counted is None or self._counted[0] is not selection:
            self.search_identities(np.empty((0, 0), np.float32), 0, selection)
        assert self._counted is not None
        return self._counted[1]

    def _merged(self, answers: list[ShardAnswer], k: int) -> PeopleAnswer:
        return merged([answer.people for answer in answers if answer.people is not None], k)

    def _stated(self) -> list[ShardAnswer]:
        return self._answers or self.catch_up()

    def _ask(
        self, request: ShardRequest, selection: Selection | None = None, deadline: float | None = None
    ) -> list[ShardAnswer]:
        if deadline is None:
            deadline = self._deadline()
        parts = None if selection is None else self._selections.of(selection, self._calls.parts)
        every = range(len(self._calls.parts))
        self._copies.counts.searches += 1
        answers = self._round(request, parts, every, deadline)
        for repeated in count():
            removed_at = max(answer.state.removed_at for answer in answers.values())
            behind = [shard for shard in every if answers[shard].state.position.number < removed_at]
            if not behind:
                break
            ahead = max((answer.state.position for answer in answers.values()), key=lambda at: at.number)
            self._copies.counts.rounds += 1
            # All of them from the second time on: where faces are removed all the time, answers that are of
            # about the same moment fit together sooner than some of now and some of before.
            again = every if repeated else behind
            request = replace(request, gallery=request.gallery.at(ahead))
            answers |= self._round(request, parts, again, deadline)
        self._answers = [answers[shard] for shard in every]
        self._seen(self._answers)
        return self._answers

    def _round(
        self,
        request: ShardRequest,
        parts: list[PartSelection] | None,
        shards: Sequence[int],
        deadline: float,
    ) -> dict[int, ShardAnswer]:
        """A copy that does not know a long selection yet is sent the people in a second call."""
        calls = _Calls(self._calls, request, parts, deadline)
        answers = fan_out(calls, self._copies, shards, deadline, self._gallery.name)
        lacking = [shard for shard, answer in answers.items() if answer.lacks_selection]
        if lacking:
            calls.with_people = True
            answers |= fan_out(calls, self._copies, lacking, deadline, self._gallery.name)
        return answers


@dataclass(slots=True)
class _Calls:
    """Of one request to all shards."""

    actors: ShardCalls
    request: ShardRequest
    selections: list[PartSelection] | None
    """By shard."""
    deadline: float
    with_people: bool = False
    """Whether long selections are sent, or only their checksums."""

    @property
    def session(self) -> Session:
        return self.actors.session

    def ask(self, session: Session, shard: int, copy: int) -> Any:
        seconds = max(0.0, self.deadline - time.monotonic())
        selection = None if self.selections is None else self.selections[shard]
        if selection is not None and selection.is_long and not self.with_people:
            selection = selection.without_people()
        request = replace(self.request, seconds=seconds, selection=selection)
        return self.actors.ask(session, shard, copy, request)

    def failed(self, shard: int, copy: int, error: Exception) -> None:
        if is_dead(error):
            self.actors.forget(shard, copy)
