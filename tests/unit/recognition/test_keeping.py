"""The threads that keep the indexes in step, without PostgreSQL."""

import threading
from contextlib import nullcontext
from typing import Any, cast

import pytest

from indexer.errors import DatabaseUnavailable
from indexer.replica.sync import IndexSync


class _Away:
    """A database that does not answer, and all else that an IndexSync uses."""

    def reading(self) -> nullcontext[None]:
        raise DatabaseUnavailable("away")

    transaction = reading

    def listen(self, _channel: str) -> None:
        raise DatabaseUnavailable("away")

    def sync(self, _heard: object) -> None: ...


def test_threads_that_are_faster_than_the_start_find_all_that_they_use(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = threading.Thread.start

    def start_and_wait(thread: threading.Thread) -> None:
        start(thread)
        thread.join(0.2)  # it has had some turns before the one who starts it goes on

    monkeypatch.setattr(threading.Thread, "start", start_and_wait)
    away = cast(Any, _Away())
    index_sync = IndexSync(away, away, away, poll_seconds=0.01)
    try:
        assert "has no attribute" not in caplog.text
    finally:
        index_sync.close()
