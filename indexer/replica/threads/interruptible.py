"""Threads for long work that the end of the process does not wait for."""

import ctypes
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")

CLOSING_SECONDS = 2.0
_AGAIN_SECONDS = 0.2
"""Between two interruptions of the same work."""


class Interrupted(BaseException):
    """Raised in work that is no longer needed. No `except Exception` catches it."""


class InterruptiblePool:
    """A fixed number of threads that run submitted work in its order. Safe to call from several threads;
    `close` it.

    The work must be safe to end anywhere: what it writes is written under a temporary name, or in a
    transaction. It is interrupted between two instructions of Python, as Ctrl-C does in the main thread. If
    it is in a long call of a library at that moment, it is left behind: the threads are daemons.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._waiting: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closing = False
        self._running: dict[int, Future[Any]] = {}
        """By the thread's identifier."""
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{place}", daemon=True)
            for place in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, work: Callable[..., Result], *arguments: Any) -> "Future[Result]":
        """Raises CancelledError if the pool is closed."""
        future: Future[Result] = Future()
        with self._lock:
            if self._closing:
                raise CancelledError
            self._waiting.put((future, lambda: work(*arguments)))
        return future

    def interrupt(self) -> None:
        """The first half of `close`: no more work is begun, and running work is interrupted."""
        with self._lock:
            if not self._closing:
                self._closing = True
                for number in self._running:
                    _raise_in(number, Interrupted)

    def close(self, seconds: float = CLOSING_SECONDS) -> bool:
        """Drops queued work, interrupts running work, and waits for it to end. False if some is left behind.

        Callers that wait for a result get CancelledError.
        """
        self.interrupt()
        with suppress(queue.Empty):
            while task := self._waiting.get_nowait():
                task[0].cancel()
        for _ in self._threads:
            self._waiting.put(None)
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            while thread.is_alive() and (left := deadline - time.monotonic()) > 0:
                thread.join(min(_AGAIN_SECONDS, left))
                self._interrupt_again()
        for future in list(self._running.values()):
            with suppress(InvalidStateError):
                future.set_exception(CancelledError())
        return not any(thread.is_alive() for thread in self._threads)

    def _interrupt_again(self) -> None:
        """An interruption is lost if it is raised in a destructor, as every exception is."""
        with self._lock:
            for number, future in self._running.items():
                if not future.done():
                    _raise_in(number, Interrupted)

    def _run(self) -> None:
        with suppress(Interrupted):  # it may come late, when the work has just ended
            while (task := self._waiting.get()) is not None:
                self._work(*task)

    def _work(self, future: "Future[Any]", work: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        me = threading.get_ident()
        try:
            with self._lock:
                if self._closing:
                    raise Interrupted
                self._running[me] = future
            result = work()
        except BaseException as error:
            with suppress(InvalidStateError):
                future.set_exception(CancelledError() if isinstance(error, Interrupted) else error)
        else:
            with suppress(InvalidStateError):
                future.set_result(result)
        with self._lock:
            self._running.pop(me, None)


def close_all(*pools: InterruptiblePool, seconds: float = CLOSING_SECONDS) -> bool:
    """Closes all of them within that time. False if some work is left behind."""
    for pool in pools:
        pool.interrupt()
    deadline = time.monotonic() + seconds
    ended = [pool.close(max(0.0, deadline - time.monotonic())) for pool in pools]
    return all(ended)


def _raise_in(thread: int, error: type[BaseException]) -> None:
    """At the thread's next instruction of Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))
