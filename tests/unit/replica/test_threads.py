"""The threads that keep the indexes in step, without PostgreSQL."""

import threading
from contextlib import nullcontext
from typing import Any, cast

import pytest

from indexer.errors import DatabaseUnavailable
from indexer.replica.heartbeat import Heartbeat
from indexer.replica.sync import IndexSync


class _Away:
    """A database that does not answer, and all else that these threads use."""

    def reading(self) -> nullcontext[None]:
        raise DatabaseUnavailable("away")

    transaction = reading

    def listen(self, _channel: str) -> None:
        raise DatabaseUnavailable("away")

    def sync(self, _changed: object) -> None: ...

    def reports(self) -> list[object]:
        return []


def test_threads_that_are_faster_than_the_start_find_all_that_they_use(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = threading.Thread.start

    def start_and_wait(thread: threading.Thread) -> None:
        start(thread)
        thread.join(0.2)  # it has had some turns before the one who starts it goes on

    monkeypatch.setattr(threading.Thread, "start", start_and_wait)
    away = cast(Any, _Away())
    every: list[IndexSync | Heartbeat] = [
        IndexSync(away, away, away, poll_seconds=0.01),
        Heartbeat(away, away),
    ]
    try:
        assert "has no attribute" not in caplog.text
    finally:
        for threads in every:
            threads.close()
