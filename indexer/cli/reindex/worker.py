"""`gemel worker`."""

import logging
import signal
import threading

from indexer.cli.database import open_index_store
from indexer.cli.output import console
from indexer.settings import Settings


def worker() -> None:
    """Work on re-index jobs until stopped. Any number of workers may run, on any machines.

    Example: `gemel worker`
    """
    from indexer.reindex.worker import Worker
    from indexer.usecases.bootstrap import open_pipeline_factory

    settings = Settings()
    log_events(settings)
    with open_index_store(settings) as index_store, open_pipeline_factory(settings) as factory:
        running = Worker(index_store, factory, least_sharded_faces=settings.least_sharded_faces)
        for number in (signal.SIGTERM, signal.SIGINT):
            # In a thread: the code that the signal interrupts may hold the lock that `stop` needs.
            signal.signal(number, lambda *_: threading.Thread(target=running.stop).start())
        console.print(f"Worker {running.name} waits for work.", highlight=False)
        running.run()


def log_events(settings: Settings) -> None:
    """Shows the events of jobs as log lines."""
    logging.getLogger("indexer").setLevel(settings.log_level.upper())
