"""Which lines of the log are stored for operators, and what is left out of them."""

import logging
from collections.abc import Iterator

import pytest

from indexer.errors import DatabaseUnavailable
from indexer.logs import request_id
from indexer.recent_errors import MAX_CHARACTERS, MAX_WAITING, RecentErrors

log = logging.getLogger("indexer.test")


@pytest.fixture
def recent() -> Iterator[RecentErrors]:
    errors = RecentErrors()
    with errors.attached():
        yield errors


def test_warnings_and_errors_are_collected_with_their_request_and_code(recent: RecentErrors) -> None:
    token = request_id.set("r-1")
    try:
        log.info("all is well")
        log.warning("slow")
        log.error("cannot search: %s", DatabaseUnavailable("away"))
    finally:
        request_id.reset(token)

    slow, away = recent.take()
    assert (slow.level, slow.code, slow.message, slow.request_id) == ("warning", None, "slow", "r-1")
    assert (away.level, away.code, away.message) == ("error", "database_unavailable", "cannot search: away")
    assert recent.take() == []


def test_the_text_of_an_unexpected_exception_is_left_out(recent: RecentErrors) -> None:
    """It may quote a query with its values: somebody's name."""
    try:
        raise ValueError("INSERT ... ('Grace Hopper')")
    except ValueError as error:
        log.error("the thread failed: %s", error, exc_info=error)
        log.exception("cannot refresh")

    first, second = recent.take()
    assert (first.code, first.message) == ("internal_error", "the thread failed: ValueError")
    assert second.message == "cannot refresh: ValueError"


@pytest.mark.parametrize(
    "secret",
    [
        "gemel_0123456789ab_" + "ab" * 32,
        "postgresql://gemel:hunter2@db/gemel",
        "host=db password=hunter2 user=gemel",
    ],
)
def test_keys_and_passwords_are_left_out(secret: str, recent: RecentErrors) -> None:
    log.error("cannot connect: %s", secret)

    [entry] = recent.take()
    assert entry.message.startswith("cannot connect: ")
    assert "hunter2" not in entry.message
    assert "abab" not in entry.message


def test_a_line_may_say_what_is_stored_instead_of_it(recent: RecentErrors) -> None:
    log.error("unexpected error in %s", "/by-external-id/grace", extra={"summary": "unexpected error"})

    [entry] = recent.take()
    assert entry.message == "unexpected error"


def test_of_many_lines_of_a_kind_one_is_collected(recent: RecentErrors) -> None:
    for number in range(1000):
        log.warning("busy: %d", number)

    assert [entry.message for entry in recent.take()] == ["busy: 0"]


def test_what_waits_is_bounded_and_the_newest_stay(recent: RecentErrors) -> None:
    for number in range(2 * MAX_WAITING):
        log.warning(f"kind {number}")
    taken = recent.take()
    assert [taken[0].message, len(taken)] == [f"kind {MAX_WAITING}", MAX_WAITING]

    log.warning("x" * 10_000)
    recent.give_back(taken)

    kept = recent.take()
    assert len(kept) == MAX_WAITING
    assert kept[-1].message == "x" * MAX_CHARACTERS


def test_a_line_with_control_characters_or_wrong_values_fails_nobody(recent: RecentErrors) -> None:
    """PostgreSQL stores no NUL. Only this handler gets the lines: pytest collects those of all others, and a
    worker of pytest-xdist could not report these."""
    recent.handle(log.makeRecord(log.name, logging.WARNING, "", 0, "a\0b\ud800", (), None))
    recent.handle(log.makeRecord(log.name, logging.WARNING, "", 0, "%d", ("no number",), None))

    [entry] = recent.take()
    assert entry.message == "a\\x00b\\ud800"
