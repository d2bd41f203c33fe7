"""The application in one of the worker processes that `gemel serve --workers` starts."""

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
        threading.Thread(target=_stop_with, args=(parent,), name="parent", daemon=True).start()
    return app.create_app()


def _stop_with(parent: BaseProcess) -> None:
    """Stops this worker if its parent was killed: otherwise the workers would hold the port for ever."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
