"""One call of every shard: to one copy each, and to another where that one fails or is slow.

Ray's own retries are off: a call is repeated here, with the same change number, until the deadline.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import ray
from ray.exceptions import RayError, RayTaskError

from indexer.cluster.search.answers import ShardAnswer
from indexer.cluster.search.copies import Copies
from indexer.errors import Busy, DatabaseUnavailable, GemelError, IndexNotReady

PAUSE_SECONDS = 0.1
"""Before a shard is called again of which every copy has failed."""
_PASSING = (IndexNotReady, DatabaseUnavailable, Busy)
"""Errors of one copy, which another one may not have."""


class Calls(Protocol):
    def ask(self, shard: int, copy: int) -> Any:
        """Calls a copy of a shard, by their numbers. Returns Ray's reference to the answer.

        Raises RayError; ValueError where there is no such actor."""
        ...

    def failed(self, shard: int, copy: int, error: Exception) -> None: ...


@dataclass(slots=True)
class _Shard:
    """A call in progress."""

    number: int
    order: list[int]
    """Of its copies, the next one first."""
    hedge_at: float = 0.0
    """When another copy is called; infinite: not any more."""
    pending: dict[Any, tuple[int, float]] = field(default_factory=dict)
    """References with their copy and when they began."""
    again_at: float | None = None
    """All copies have failed: when it is called again."""
    error: Exception | None = None
    """The last one."""
    failed: bool = False
    """Since a copy was called last, one has failed; another one has not answered yet, and may never do so."""
    called: int = 0

    def next_copy(self) -> int:
        """One of which no answer is awaited, if there is one."""
        awaited = {copy for copy, _ in self.pending.values()}
        for _ in self.order:
            copy = self.order[self.called % len(self.order)]
            self.called += 1
            if copy not in awaited:
                break
        return copy


def fan_out(
    calls: Calls, copies: Copies, shards: Sequence[int], deadline: float, gallery_name: str
) -> dict[int, ShardAnswer]:
    """The answer of each of `shards`, by number.

    Raises IndexNotReady where one has none at the deadline, of the monotonic clock; at once an error that
    every copy would have, such as GalleryNotFound.
    """
    orders = copies.order()
    waiting = {number: _Shard(number, orders[number]) for number in shards}
    answers: dict[int, ShardAnswer] = {}
    references: dict[Any, _Shard] = {}
    for shard in waiting.values():
        _send(calls, copies, shard, references)
    while waiting:
        now = time.monotonic()
        if now >= deadline:
            copies.counts.failures += 1
            raise _late(gallery_name, list(waiting.values()))
        if references:
            until = min([deadline, *(_due(shard) for shard in waiting.values())])
            try:
                ready, _ = ray.wait(list(references), num_returns=1, timeout=max(0.0, until - now))
            except RayError as error:  # the connection to the Ray cluster was closed, with its references
                copies.counts.failures += 1
                raise _late(gallery_name, list(waiting.values())) from error
        else:
            time.sleep(max(0.0, min([deadline, *(_due(shard) for shard in waiting.values())]) - now))
            ready = []
        for reference in ready:
            shard = references.pop(reference)
            answer = _take(calls, copies, shard, reference)
            if answer is not None:
                answers[shard.number] = answer
                del waiting[shard.number]
                for late in shard.pending:
                    references.pop(late, None)
        now = time.monotonic()
        for shard in waiting.values():
            _call_again(calls, copies, shard, references, now)
    return answers


def _due(shard: _Shard) -> float:
    return shard.hedge_at if shard.again_at is None else shard.again_at


def _send(calls: Calls, copies: Copies, shard: _Shard, references: dict[Any, _Shard]) -> None:
    copy = shard.next_copy()
    now = time.monotonic()
    shard.again_at, shard.failed = None, False
    shard.hedge_at = now + copies.hedge_seconds if copies.copies > 1 else float("inf")
    try:
        reference = calls.ask(shard.number, copy)
    except (RayError, ValueError, RuntimeError, TimeoutError) as error:  # not there at the moment
        _note_failure(calls, copies, shard, copy, error)
        return
    shard.pending[reference] = copy, now
    references[reference] = shard


def _take(calls: Calls, copies: Copies, shard: _Shard, reference: Any) -> ShardAnswer | None:
    """None where the call has failed, and another copy may answer."""
    copy, began = shard.pending.pop(reference)
    try:
        answer: ShardAnswer = ray.get(reference)
    except RayTaskError as error:
        cause = error.cause
        if isinstance(cause, GemelError) and not isinstance(cause, _PASSING):
            raise type(cause)(cause.message, **cause.details) from None
        _note_failure(calls, copies, shard, copy, cause if isinstance(cause, Exception) else error)
        return None
    except (RayError, RuntimeError) as error:
        _note_failure(calls, copies, shard, copy, error)
        return None
    copies.answered(shard.number, copy, time.monotonic() - began)
    for overtaken, sent in shard.pending.values():
        if sent < began:
            copies.failed(shard.number, overtaken)
    return answer


def _note_failure(calls: Calls, copies: Copies, shard: _Shard, copy: int, error: Exception) -> None:
    copies.failed(shard.number, copy)
    calls.failed(shard.number, copy, error)
    shard.error = error
    if not shard.pending:
        # Each copy at once, then all of them again after a pause.
        tried_all = shard.called % len(shard.order) == 0
        shard.again_at = time.monotonic() + (PAUSE_SECONDS if tried_all else 0.0)
    else:
        shard.failed, shard.hedge_at = True, time.monotonic() + PAUSE_SECONDS


def _call_again(
    calls: Calls, copies: Copies, shard: _Shard, references: dict[Any, _Shard], now: float
) -> None:
    if shard.again_at is not None:
        if now >= shard.again_at:
            copies.counts.retries += 1
            _send(calls, copies, shard, references)
    elif now >= shard.hedge_at:
        shard.hedge_at = now + copies.hedge_seconds
        if len(shard.pending) < len(shard.order):
            if shard.failed:
                copies.counts.retries += 1
                _send(calls, copies, shard, references)
            elif copies.may_hedge():
                _send(calls, copies, shard, references)
        if len(shard.pending) >= len(shard.order):
            shard.hedge_at = float("inf")


def _late(gallery_name: str, missing: Sequence[_Shard]) -> IndexNotReady:
    shard = missing[0]
    error = shard.error
    reason = f": {error.message}" if isinstance(error, GemelError) else ""
    return IndexNotReady(
        f"the index of gallery {gallery_name!r} is not complete: shard {shard.number} does not answer"
        f" in time{reason}; try again",
        gallery=gallery_name,
    )
