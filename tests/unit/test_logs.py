"""Log lines: when, what, of which request; one line each."""

import json
import logging
import sys

import pytest

from indexer.logs import JsonFormatter, TextFormatter, request_id


def record(message: str, *, trace: bool = False) -> logging.LogRecord:
    info = None
    if trace:
        try:
            raise ValueError("wrong")
        except ValueError:
            info = sys.exc_info()
    made = logging.LogRecord("service.app", logging.WARNING, __file__, 1, message, ("x",), info)
    made.created = 1769851800.1234
    return made


def test_a_line_has_the_time_and_the_request() -> None:
    assert TextFormatter().format(record("seen %s")) == (
        "2026-01-31T09:30:00.123Z WARNING service.app seen x"
    )
    token = request_id.set("abc")
    try:
        assert TextFormatter().format(record("seen %s")).endswith("service.app [abc] seen x")
        line = json.loads(JsonFormatter().format(record("seen %s")))
    finally:
        request_id.reset(token)
    assert line == {
        "time": "2026-01-31T09:30:00.123Z",
        "level": "warning",
        "logger": "service.app",
        "message": "seen x",
        "request_id": "abc",
    }


@pytest.mark.parametrize("evil", ["a\nb", "a\r\nb", "\x1b[2Jgone", "a\u2028b", "\x85", "\x7f"])
def test_a_message_cannot_forge_a_line_nor_reach_the_terminal(evil: str) -> None:
    for formatter in (TextFormatter(), JsonFormatter()):
        line = formatter.format(record(f"name {evil} %s"))
        assert len(line.splitlines()) == 1
        assert not set(line) & set("\x1b\x7f\x85")


def test_a_trace_follows_its_line() -> None:
    assert "ValueError: wrong" in TextFormatter().format(record("%s", trace=True)).splitlines()[-1]
    assert "ValueError: wrong" in json.loads(JsonFormatter().format(record("%s", trace=True)))["trace"]
