"""A session ends when nobody calls Ray in it any more."""

import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError

import pytest

from indexer.cluster.session import Session, SessionEnded


def test_a_session_ends_when_its_last_user_has_left_and_has_no_new_ones() -> None:
    session = Session()
    inside, leave, left = threading.Event(), threading.Event(), threading.Event()

    def use() -> None:
        with session.used():
            inside.set()
            leave.wait()
            left.set()

    user = threading.Thread(target=use)
    user.start()
    inside.wait()
    assert not session.end(0.01)
    with pytest.raises(SessionEnded), session.used():
        pass
    leave.set()
    assert session.end()
    assert left.is_set()
    user.join()


def test_who_waits_or_looks_something_up_in_a_session_that_has_ended_is_told_so() -> None:
    session = Session()
    session.end()
    with pytest.raises(SessionEnded):
        session.wait([object()], 30)
    with pytest.raises(SessionEnded):
        session.get(object())
    with pytest.raises(CancelledError):
        session.find("an actor")


def test_that_ray_ends_a_thread_becomes_an_error_of_the_call() -> None:
    session = Session()
    with pytest.raises(SessionEnded), session.used():
        raise SystemExit(0)
    assert session.end()


class Reference:
    """Only a local variable of a call has it."""


def _ends(error: BaseException, made: "list[weakref.ref[Reference]]") -> None:
    reference = Reference()
    made.append(weakref.ref(reference))
    raise error


def _from_its_cause(made: "list[weakref.ref[Reference]]") -> None:
    try:
        _ends(OSError("the node has ended"), made)
    except OSError as error:
        raise ValueError("too late") from error


def _without_its_cause(made: "list[weakref.ref[Reference]]") -> None:
    try:
        _ends(OSError("the gallery is deleted"), made)
    except OSError:
        raise ValueError("deleted") from None


@pytest.mark.parametrize(
    "call",
    [
        lambda made: _ends(ValueError(), made),
        lambda made: _ends(SessionEnded(), made),
        lambda made: _ends(SystemExit(0), made),
        _from_its_cause,
        _without_its_cause,
    ],
    ids=["error", "ended", "exit", "cause", "context"],
)
def test_an_error_that_is_kept_keeps_no_reference(
    call: "Callable[[list[weakref.ref[Reference]]], None]",
) -> None:
    """A reference calls Ray when it is freed, and Ray may be shut down once the session has no user."""
    session = Session()
    made: list[weakref.ref[Reference]] = []
    gc.disable()
    try:
        with pytest.raises((ValueError, SessionEnded)) as kept, session.used():
            call(made)
        assert [reference() for reference in made] == [None]
    finally:
        gc.enable()
    assert kept.value.__traceback__ is not None
    assert session.end()
