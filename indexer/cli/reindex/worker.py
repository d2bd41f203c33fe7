"""`gemel worker`."""

import logging
import signal
import threading

from indexer.cli.database import open_index_store
from indexer.cli.output import console
from indexer.settings import Settings


def worker() -> None:
    """Work on re-index jobs, until it is told to end. Any number of them may run, on any machines.

    Example: `gemel worker`
    """
    from indexer.reindex.worker import Worker
    from indexer.usecases.bootstrap import open_pipeline_factory

    settings = Settings()
    log_events(settings)
    with open_index_store(settings) as index_store, open_pipeline_factory(settings) as factory:
        working = Worker(index_store, factory)
        for number in (signal.SIGTERM, signal.SIGINT):
            # In a thread: what the signal interrupts may hold the very lock that `stop` takes.
            signal.signal(number, lambda *_: threading.Thread(target=working.stop).start())
        console.print(f"Worker {working.name} waits for work.", highlight=False)
        working.run()


def log_events(settings: Settings) -> None:
    logging.getLogger("indexer").setLevel(settings.log_level.upper())
