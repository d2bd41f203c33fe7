"""Announces a stop before it begins: load balancers must see it before connections are refused."""

import asyncio
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

log = logging.getLogger(__name__)


class Stop:
    """Whether a stop has begun. Until the delay is over it serves as before."""

    def __init__(self, *, delay_seconds: float) -> None:
        self.delay_seconds = delay_seconds
        self.begun = False

    @contextmanager
    def on_sigterm(self) -> Iterator[None]:
        """Inside the block, SIGTERM begins the stop, and reaches the server's own handler after the delay.

        A second SIGTERM reaches it at once. Only the main thread can handle signals: in another, SIGTERM
        stays as it is.
        """
        handler = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or not callable(handler):
            yield
            return
        loop = asyncio.get_running_loop()

        def stop(number: int, frame: FrameType | None) -> None:
            handler(number, frame)

        def begin(number: int, frame: FrameType | None) -> None:
            if self.begun or not self.delay_seconds:
                self.begun = True
                stop(number, frame)
                return
            self.begun = True
            loop.call_soon_threadsafe(announce, number)

        def announce(number: int) -> None:
            log.info("stopping in %g s: /readyz answers 503 from now on", self.delay_seconds)
            loop.call_later(self.delay_seconds, stop, number, None)

        signal.signal(signal.SIGTERM, begin)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, handler)
