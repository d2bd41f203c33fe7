"""A thread that nothing ends but the one who made it."""

import threading
from collections.abc import Callable

import pytest

from indexer.errors import DatabaseUnavailable
from indexer.replica.threads import supervised
from indexer.replica.threads.supervised import Supervised
from tests.support.home import wait_for


def failing(errors: list[BaseException], done: threading.Event) -> Callable[[], None]:
    def turn() -> None:
        if errors:
            raise errors.pop(0)
        done.set()

    return turn


@pytest.mark.parametrize(
    "error",
    [
        ValueError("badly formed"),
        DatabaseUnavailable("away"),
        MemoryError(),
        SystemExit(1),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_turn_raises_is_logged_and_the_next_turn_comes(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    thread = Supervised("following", failing([error], done), every_seconds=0.01)
    thread.start()
    try:
        assert done.wait(60)
        wait_for(lambda: thread.problem is None)
    finally:
        assert thread.close()

    assert caplog.text.count("the thread following failed") == 1
    assert ("Traceback" in caplog.text) is not isinstance(error, DatabaseUnavailable)


def test_a_thread_that_fails_every_time_says_so_and_does_not_spin(caplog: pytest.LogCaptureFixture) -> None:
    turns: list[int] = []

    def turn() -> None:
        turns.append(1)
        raise RuntimeError("no way")

    thread = Supervised("following", turn)
    thread.start()
    try:
        wait_for(lambda: len(turns) >= 3)
        assert thread.problem == "the thread following fails: no way"
    finally:
        assert thread.close()

    assert len(turns) < 20, "it pauses longer and longer"
    assert caplog.text.count("tries again: no way") == 1, "and the log is not filled with it"


def test_a_thread_that_is_stuck_says_so_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervised, "STUCK_SECONDS", 0.1)
    monkeypatch.setattr(supervised, "CLOSING_SECONDS", 0.1)
    go_on = threading.Event()
    thread = Supervised("following", lambda: go_on.wait(60))
    thread.start()

    wait_for(lambda: "has been stuck for" in (thread.problem or ""))
    assert not thread.close(), "it is left behind"
    go_on.set()
    wait_for(lambda: "has ended" in (thread.problem or ""))


def test_a_thread_does_nothing_before_it_is_started() -> None:
    turned = threading.Event()
    thread = Supervised("following", turned.set, every_seconds=0.01)
    assert not turned.wait(0.1)
    thread.start()
    try:
        assert turned.wait(60)
    finally:
        assert thread.close()
