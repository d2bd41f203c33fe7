"""The application in one of several processes, as `gemel serve --workers` starts them."""

import multiprocessing
import os
import signal
import threading
from multiprocessing.process import BaseProcess

from fastapi import FastAPI

from service import app


def create_app() -> FastAPI:
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), name="parent", daemon=True).start()
    return app.create_app()


def _end_after(parent: BaseProcess) -> None:
    """A parent that was killed has not ended its workers, which would hold its port for ever."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
