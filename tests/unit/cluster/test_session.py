"""A session ends when nobody calls Ray in it any more."""

import threading
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
