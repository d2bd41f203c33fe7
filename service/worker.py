"""The application in a process of its own: that of `gemel serve`, or one of its `--workers`."""

import gc
import multiprocessing
import os
import signal
import threading
from multiprocessing.process import BaseProcess

from fastapi import FastAPI


def create_app() -> FastAPI:
    gc.disable()  # a quarter of the time that imports take: what they make stays
    from service import app

    gc.enable()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_stop_with, args=(parent,), name="parent", daemon=True).start()
    return app.create_app(started=_exempt_from_collections)


def _stop_with(parent: BaseProcess) -> None:
    """Stops this worker if its parent was killed: otherwise the workers would hold the port for ever."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _exempt_from_collections() -> None:
    """What a server opens stays until its end. A full garbage collection of these 260,000 objects would hold
    up all requests for 0.15 s each time; the objects of requests alone take less than a millisecond."""
    gc.collect()
    gc.freeze()
