"""Calls of copies that fail or never answer. The session is replaced: references are futures."""

import gc
import threading
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import wait as wait_for_some
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest

from indexer.cluster.search import copies as module
from indexer.cluster.search.copies import HEDGES_AT_ONCE, Copies, Counts
from indexer.errors import GemelError, IndexNotReady
from tests.integration.cluster.conftest import Sharded

ANSWER: Any = object()


class _Link:
    """A session whose references are futures."""

    def used(self) -> AbstractContextManager[None]:
        return nullcontext()

    def wait(self, references: Sequence[Any], seconds: float) -> list[Any]:
        return list(wait_for_some(references, seconds, FIRST_COMPLETED)[0])

    def get(self, reference: Any) -> Any:
        return reference.result(0)


class _Calls:
    """Of one shard: copy 0 never answers, and copy 1 fails `failures` times. `unreachable`: no copy can be
    called."""

    def __init__(self, failures: int, *, unreachable: bool = False) -> None:
        self.session = _Link()
        self.unreachable = unreachable
        self.failures = failures
        self.asked: list[int] = []

    def ask(self, _: Any, __: int, copy: int) -> "Future[Any]":
        self.asked.append(copy)
        if self.unreachable:
            raise RuntimeError("the actor is unavailable")
        future: Future[Any] = Future()
        if copy == 1 and self.asked.count(1) <= self.failures:
            future.set_exception(RuntimeError("the actor is unavailable"))
        elif copy == 1:
            future.set_result(ANSWER)
        return future

    def failed(self, *_: object) -> None: ...


@pytest.fixture
def fan_out(sharded: Sharded) -> Any:
    """`sharded`: it has prepared Ray, which this module imports."""
    from indexer.cluster.search import fan_out as module

    return module.fan_out


def copies_that_begin_with(first: int) -> Copies:
    copies = Copies(1, 2)
    while copies.order()[0][0] == first:  # the next one begins with the other
        pass
    return copies


@pytest.mark.parametrize("first", [0, 1])
def test_a_copy_that_failed_is_called_again_while_the_other_never_answers(fan_out: Any, first: int) -> None:
    calls = _Calls(failures=4)
    answers = fan_out(calls, copies_that_begin_with(first), [0], time.monotonic() + 30, "staff")
    assert answers == {0: ANSWER}
    assert (calls.asked[0], calls.asked.count(0), calls.asked.count(1)) == (first, 1, 5)


def test_a_search_of_which_a_copy_has_failed_leaves_no_reference(fan_out: Any) -> None:
    """It would call Ray when it is freed, maybe after Ray was shut down."""

    class Link(_Link):
        def get(self, reference: Any) -> Any:
            if reference.exception(0):
                raise RuntimeError("the actor is unavailable")  # a new error each time, as of Ray
            return reference.result(0)

    class Calls(_Calls):
        def ask(self, session: Any, shard: int, copy: int) -> "Future[Any]":
            future = super().ask(session, shard, copy)
            made.append(weakref.ref(future))
            return future

    made: list[weakref.ref[Future[Any]]] = []
    calls = Calls(failures=1)
    calls.session = Link()
    copies = copies_that_begin_with(1)
    gc.disable()
    try:
        assert fan_out(calls, copies, [0], time.monotonic() + 30, "staff") == {0: ANSWER}
        assert [reference() for reference in made] == [None] * len(calls.asked)
    finally:
        gc.enable()
    assert len(calls.asked) > 1


def test_calls_of_a_copy_that_never_answers_go_to_the_other_though_too_many_were_hedged(fan_out: Any) -> None:
    copies = copies_that_begin_with(0)
    while copies.may_hedge():
        pass
    assert copies.counts.hedges >= HEDGES_AT_ONCE
    calls = _Calls(failures=0)
    assert fan_out(calls, copies, [0], time.monotonic() + 30, "staff") == {0: ANSWER}
    assert calls.asked == [0, 1]


def test_a_search_does_not_wait_for_shards_that_are_away_and_finds_them_when_they_are_back(
    fan_out: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it may wait for an hour."""
    monkeypatch.setattr(module, "AWAY_SECONDS", 0.0)
    in_an_hour = time.monotonic() + 3600
    copies = Copies(1, 1)
    copies.could_be_reached(0, 0, reached=False)
    with pytest.raises(IndexNotReady):
        fan_out(_Calls(failures=0, unreachable=True), copies, [0], in_an_hour, "staff")
    back = _Calls(failures=0)
    copies_of_two = copies_that_begin_with(0)
    for copy in (0, 1):
        copies_of_two.could_be_reached(0, copy, reached=False)
    assert copies_of_two.patience([0]) == module.AWAY_PATIENCE_SECONDS

    assert fan_out(back, copies_of_two, [0], in_an_hour, "staff") == {0: ANSWER}
    assert copies_of_two.patience([0]) == float("inf")


def test_a_shard_whose_copies_open_their_index_is_not_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AWAY_SECONDS", 0.0)
    copies = Copies(2, 1)
    copies.could_be_reached(1, 0, reached=False)
    assert copies.patience([0, 1]) == module.AWAY_PATIENCE_SECONDS
    assert copies.patience([0]) == float("inf")
    copies.could_be_reached(1, 0, reached=True)
    assert copies.patience([0, 1]) == float("inf")


def test_missing_shards_do_not_keep_the_sync_thread_from_other_galleries(
    sharded: Sharded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though a search may wait for an hour."""
    from indexer.cluster import sharded_gallery
    from indexer.cluster.search.shard_calls import ShardCalls

    class Missing(ShardCalls):
        def ask(self, *_: object) -> Any:
            raise ValueError("there is no such actor")

    monkeypatch.setattr(sharded_gallery, "ShardCalls", Missing)
    engine, gallery = sharded.engine, sharded.gallery()
    assert engine.sharding is not None
    store, builds, connection = engine.index_store, engine.index_cache.builds, engine.sharding.connection
    index = sharded_gallery.ShardedGallery(gallery, store, builds, connection, Counts(), least_faces=1)
    ended: Future[None] = Future()

    def sync() -> None:
        try:
            index.sync(gallery, time.monotonic() + 3600)
        except GemelError as error:
            ended.set_exception(error)

    threading.Thread(target=sync, daemon=True).start()
    assert isinstance(ended.exception(timeout=120), IndexNotReady)
