"""Lines that a client can cause: few of them, and none is lost without a number."""

import logging
import time

import pytest

from indexer.rate_limited_log import RateLimitedLog


def test_of_a_rush_one_line_of_each_kind_is_logged_and_later_the_number_of_the_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    sparing = RateLimitedLog(logging.getLogger("test"), every_seconds=10)

    for number in range(1000):
        sparing.line(logging.WARNING, "busy", "busy: %d", number)
    sparing.line(logging.ERROR, "away", "away")
    now[0] += 11
    sparing.line(logging.WARNING, "busy", "busy: %d", 1000)
    now[0] += 11
    sparing.line(logging.WARNING, "busy", "busy: %d", 1001)

    assert [record.getMessage() for record in caplog.records] == [
        "busy: 0",
        "away",
        "busy: 1000 (999 more of this kind since the last such line)",
        "busy: 1001",
    ]


def test_kinds_without_end_take_no_memory_without_end(caplog: pytest.LogCaptureFixture) -> None:
    sparing = RateLimitedLog(logging.getLogger("test"))
    for number in range(5000):
        sparing.line(logging.WARNING, str(number), "line %d", number)

    assert len(caplog.records) == 5000
