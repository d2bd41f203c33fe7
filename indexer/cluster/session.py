"""One connection to Ray, from `ray.init` to `ray.shutdown`, as the threads that call shards use it.

`ray.shutdown` frees what a call of Ray in another thread still reads: such a call ends with SystemExit, which
would end the server, or the process with a segmentation fault. So a session first ends here: no call begins
any more, and those in progress leave, most of them within a fraction of a second. Only when the last one has
left may Ray be shut down, however long that takes.
"""

import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from indexer.replica.threads.interruptible import InterruptiblePool

SLICE_SECONDS = 0.2
"""How often a wait for answers checks whether the session has ended."""
LEAVING_SECONDS = 5.0
"""How long `end` waits. Most calls return within SLICE_SECONDS; the lookup of an actor may take longer."""
GET_SECONDS = 5.0
"""For an answer that is here already."""


class SessionEnded(Exception):
    """The connection to the Ray cluster was lost, or is being closed."""


class Session:
    """Safe to call from several threads; `end` it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ended = False
        self._users = 0
        self._lookups = InterruptiblePool(1, "find-shards")
        """Finds actors: without a head, Ray waits for one, for longer than a search may."""

    @property
    def ended(self) -> bool:
        return self._ended

    @contextmanager
    def used(self) -> Iterator[None]:
        """Around all calls of Ray, and the life of the references that they return.

        Raises SessionEnded, also where Ray ends the thread because its connection is closed. An error that
        leaves the block keeps its traceback, but not the local variables of the functions that it has ended:
        a reference among them would call Ray when it is freed.
        """
        with self._changed:
            if self._ended:
                raise SessionEnded
            self._users += 1
        try:
            yield
        except SystemExit as error:
            _clear_frames(error)
            raise SessionEnded from error
        except BaseException as error:
            _clear_frames(error)
            raise
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def wait(self, references: Sequence[Any], seconds: float) -> list[Any]:
        """The first of the references that are ready, as soon as there are any; empty after that time.

        Within `used`. Raises SessionEnded, RayError.
        """
        self._check()
        import ray

        until = time.monotonic() + seconds
        while not self._ended:
            left = max(0.0, until - time.monotonic())
            ready, _ = ray.wait(list(references), num_returns=1, timeout=min(SLICE_SECONDS, left))
            if ready or left <= SLICE_SECONDS:
                return list(ready)
        raise SessionEnded

    def get(self, reference: Any) -> Any:
        """The value of a reference that is ready. Raises SessionEnded, RayError. Within `used`."""
        self._check()
        import ray

        return ray.get(reference, timeout=GET_SECONDS)

    def find(self, name: str) -> "Future[Any]":
        """The actor of that name; the future raises ValueError where there is none, CancelledError, RayError.

        Raises CancelledError if the session has ended.
        """
        return self._lookups.submit(self._find, name)

    def end(self, seconds: float = LEAVING_SECONDS) -> bool:
        """From now on no call begins in it. Waits until nobody uses it; False if somebody still does after
        that time."""
        with self._changed:
            self._ended = True
        self._lookups.close(0.0)
        with self._changed:
            return self._changed.wait_for(lambda: self._users == 0, seconds)

    def _check(self) -> None:
        if self._ended:
            raise SessionEnded

    def _find(self, name: str) -> Any:
        import ray

        with self.used():
            return ray.get_actor(name)


def _clear_frames(error: BaseException) -> None:
    """Also of its causes, and of what was being handled when it was raised."""
    chain: list[BaseException | None] = [error]
    cleared: set[int] = set()
    while chain:
        one = chain.pop()
        if one is not None and id(one) not in cleared:
            cleared.add(id(one))
            traceback.clear_frames(one.__traceback__)
            chain += [one.__cause__, one.__context__]
