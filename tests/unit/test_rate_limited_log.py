"""Lines that a client can cause: few of them, and none is lost without a number."""

import logging
import time

import pytest

from indexer.rate_limited_log import RateLimitedLog


def test_of_many_lines_of_a_kind_one_is_logged_and_later_the_number_of_the_others(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    limited = RateLimitedLog(logging.getLogger("test"), every_seconds=10)

    for number in range(1000):
        limited.line(logging.WARNING, "busy", "busy: %d", number)
    limited.line(logging.ERROR, "away", "away")
    now[0] += 11
    limited.line(logging.WARNING, "busy", "busy: %d", 1000)
    now[0] += 11
    limited.line(logging.WARNING, "busy", "busy: %d", 1001)

    assert [record.getMessage() for record in caplog.records] == [
        "busy: 0",
        "away",
        "busy: 1000 (999 more of this kind since the last such line)",
        "busy: 1001",
    ]


def test_a_kind_is_forgotten_after_thousands_of_others(caplog: pytest.LogCaptureFixture) -> None:
    """Clients cause the kinds, too: the table of kinds is bounded."""
    limited = RateLimitedLog(logging.getLogger("test"), every_seconds=3600)
    limited.line(logging.WARNING, "first", "first")
    limited.line(logging.WARNING, "first", "first")
    assert len(caplog.records) == 1

    for number in range(5000):
        limited.line(logging.WARNING, str(number), "line %d", number)
    limited.line(logging.WARNING, "first", "first")

    assert len(caplog.records) == 1 + 5000 + 1
