"""Long work in threads that may be stopped anywhere."""

import threading
from concurrent.futures import CancelledError

import numpy as np
import pytest

from indexer.replica.threads.interruptible import InterruptiblePool


def test_work_gives_its_result_and_what_it_raises() -> None:
    pool = InterruptiblePool(2, "work")

    assert pool.submit(divmod, 7, 2).result(60) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        pool.submit(divmod, 7, 0).result(60)
    assert pool.submit(divmod, 7, 2).result(60) == (3, 1), "an error ends no thread"
    assert pool.close()
    with pytest.raises(CancelledError):
        pool.submit(divmod, 7, 2)


def test_closing_interrupts_what_runs_drops_what_waits_and_lets_it_tidy_up() -> None:
    pool = InterruptiblePool(1, "work")
    begun, tidied, too_late = threading.Event(), threading.Event(), threading.Event()

    def endless() -> None:
        try:
            while True:
                try:
                    np.ones((64, 64)) @ np.ones((64, 64))
                    begun.set()
                except Exception:
                    too_late.set()
        finally:
            tidied.set()

    running, waiting = pool.submit(endless), pool.submit(too_late.set)
    assert begun.wait(60)

    assert pool.close(60)

    assert tidied.is_set()
    assert not too_late.is_set()
    for future in (running, waiting):
        with pytest.raises(CancelledError):
            future.result(60)


def test_what_is_in_a_long_call_of_a_library_is_left_behind() -> None:
    pool = InterruptiblePool(1, "work")
    begun, go_on = threading.Event(), threading.Event()

    def blocked() -> None:
        begun.set()
        go_on.wait(60)

    blocking = pool.submit(blocked)
    assert begun.wait(60)

    assert not pool.close(0.1)

    with pytest.raises(CancelledError):
        blocking.result(60)
    go_on.set()
