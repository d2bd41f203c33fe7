"""One call of every shard: to one copy each, and to another where that one fails or is slow.

Ray's own retries are off: a call is repeated here, with the same change number, until the deadline.
"""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ray.exceptions import RayError, RayTaskError

from indexer.cluster.search.answers import ShardAnswer
from indexer.cluster.search.copies import Copies
from indexer.cluster.session import SessionEnded
from indexer.errors import Busy, DatabaseUnavailable, GemelError, IndexNotReady

PAUSE_SECONDS = 0.1
"""Before a shard is called again of which every copy has failed."""
_PASSING = (IndexNotReady, DatabaseUnavailable, Busy)
"""Errors of one copy, which another one may not have."""


class Link(Protocol):
    """What a search uses of a `Session`. Each method raises SessionEnded."""

    def used(self) -> AbstractContextManager[None]: ...

    def wait(self, references: Sequence[Any], seconds: float) -> list[Any]: ...

    def get(self, reference: Any) -> Any: ...


class Calls(Protocol):
    @property
    def session(self) -> Link:
        """Of the calls of one search. Raises SessionEnded."""
        ...

    def ask(self, session: Any, shard: int, copy: int) -> Any:
        """Calls a copy of a shard, by their numbers. Returns Ray's reference to the answer.

        Raises RayError; ValueError where there is no such actor; SessionEnded."""
        ...

    def failed(self, shard: int, copy: int, error: Exception) -> None:
        """Called for each call that has failed."""
        ...


@dataclass(slots=True)
class _Shard:
    """A call in progress."""

    number: int
    order: list[int]
    """Of its copies, the next one first."""
    hedge_at: float = 0.0
    """When another copy is called; infinite: no other one is called."""
    pending: dict[Any, tuple[int, float]] = field(default_factory=dict)
    """References with their copy and when they began."""
    again_at: float | None = None
    """When it is called again, after all its copies have failed."""
    reason: str = ""
    """The message of the last failure, where the copy itself has answered so. The error is not kept: by its
    traceback it would keep references after the search."""
    failed: bool = False
    """One copy has failed since the last call, and another one has not answered yet; it may never answer."""
    called: int = 0

    def next_copy(self) -> int:
        """The next copy in turn that is not being called; if all are, simply the next one."""
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

    Raises IndexNotReady if a shard has not answered at `deadline` (by the monotonic clock), sooner if no copy
    of a shard could be reached for a while, and if the connection to the Ray cluster ends. An error that
    every copy would raise, such as GalleryNotFound, is raised at once.
    """
    try:
        session = calls.session
        with session.used():
            return _FanOut(calls, session, copies, gallery_name).answers(shards, deadline)
    except SessionEnded as error:
        copies.counts.failures += 1
        raise IndexNotReady(
            f"the connection to the Ray cluster, which has the index of gallery {gallery_name!r}, is lost;"
            " try again",
            gallery=gallery_name,
        ) from error


@dataclass(slots=True)
class _FanOut:
    """Within one use of the session."""

    calls: Calls
    session: Link
    copies: Copies
    gallery_name: str
    references: dict[Any, _Shard] = field(default_factory=dict)

    def answers(self, shards: Sequence[int], deadline: float) -> dict[int, ShardAnswer]:
        orders = self.copies.order()
        deadline = min(deadline, time.monotonic() + self.copies.patience(shards))
        waiting = {number: _Shard(number, orders[number]) for number in shards}
        try:
            return self._answers(waiting, deadline)
        finally:  # a reference calls Ray when it is freed: an error that is kept must not keep it
            self.references.clear()
            for shard in waiting.values():
                shard.pending.clear()

    def _answers(self, waiting: dict[int, _Shard], deadline: float) -> dict[int, ShardAnswer]:
        answers: dict[int, ShardAnswer] = {}
        for shard in waiting.values():
            self._send(shard)
        while waiting:
            now = time.monotonic()
            if now >= deadline:
                self.copies.counts.failures += 1
                raise _late(self.gallery_name, list(waiting.values()))
            seconds = max(0.0, min([deadline, *(_due(shard) for shard in waiting.values())]) - now)
            for reference in self._ready(waiting, seconds):
                shard = self.references.pop(reference)
                answer = self._take(shard, reference)
                if answer is not None:
                    answers[shard.number] = answer
                    del waiting[shard.number]
                    for late in shard.pending:
                        self.references.pop(late, None)
            now = time.monotonic()
            for shard in waiting.values():
                self._call_again(shard, now)
        return answers

    def _ready(self, waiting: dict[int, _Shard], seconds: float) -> list[Any]:
        if not self.references:
            time.sleep(seconds)
            return []
        try:
            return self.session.wait(list(self.references), seconds)
        except (RayError, OSError) as error:  # OSError: this machine's node has just ended
            self.copies.counts.failures += 1
            raise _late(self.gallery_name, list(waiting.values())) from error

    def _send(self, shard: _Shard) -> None:
        copy = shard.next_copy()
        now = time.monotonic()
        shard.again_at, shard.failed = None, False
        shard.hedge_at = now + self.copies.hedge_seconds if self.copies.copies > 1 else float("inf")
        try:
            reference = self.calls.ask(self.session, shard.number, copy)
        except (RayError, ValueError, RuntimeError, OSError) as error:  # not there at the moment
            self._note_failure(shard, copy, error)
            return
        shard.pending[reference] = copy, now
        self.references[reference] = shard

    def _take(self, shard: _Shard, reference: Any) -> ShardAnswer | None:
        """None where the call has failed, and another copy may answer."""
        copy, began = shard.pending.pop(reference)
        try:
            answer: ShardAnswer = self.session.get(reference)
        except RayTaskError as error:
            cause = error.cause
            if isinstance(cause, GemelError) and not isinstance(cause, _PASSING):
                raise type(cause)(cause.message, **cause.details) from None
            self._note_failure(shard, copy, cause if isinstance(cause, Exception) else error)
            return None
        except (RayError, RuntimeError, OSError) as error:
            self._note_failure(shard, copy, error)
            return None
        self.copies.answered(shard.number, copy, time.monotonic() - began)
        for overtaken, sent in shard.pending.values():
            if sent < began:
                self.copies.failed(shard.number, overtaken)
        return answer

    def _note_failure(self, shard: _Shard, copy: int, error: Exception) -> None:
        self.copies.failed(shard.number, copy)
        self.copies.could_be_reached(shard.number, copy, isinstance(error, GemelError))
        self.calls.failed(shard.number, copy, error)
        shard.reason = error.message if isinstance(error, GemelError) else ""
        if not shard.pending:
            # Each copy at once, then all of them again after a pause.
            tried_all = shard.called % len(shard.order) == 0
            shard.again_at = time.monotonic() + (PAUSE_SECONDS if tried_all else 0.0)
        else:
            shard.failed, shard.hedge_at = True, time.monotonic() + PAUSE_SECONDS

    def _call_again(self, shard: _Shard, now: float) -> None:
        if shard.again_at is not None:
            if now >= shard.again_at:
                self.copies.counts.retries += 1
                self._send(shard)
        elif now >= shard.hedge_at:
            shard.hedge_at = now + self.copies.hedge_seconds
            if len(shard.pending) < len(shard.order):
                if shard.failed:
                    self.copies.counts.retries += 1
                    self._send(shard)
                elif self.copies.may_hedge():
                    self._send(shard)
            if len(shard.pending) >= len(shard.order):
                shard.hedge_at = float("inf")


def _due(shard: _Shard) -> float:
    return shard.hedge_at if shard.again_at is None else shard.again_at


def _late(gallery_name: str, missing: Sequence[_Shard]) -> IndexNotReady:
    shard = missing[0]
    reason = f": {shard.reason}" if shard.reason else ""
    return IndexNotReady(
        f"the index of gallery {gallery_name!r} is not complete: shard {shard.number} does not answer"
        f" in time{reason}; try again",
        gallery=gallery_name,
    )
