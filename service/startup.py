"""Opens the engine when a server starts, and waits for PostgreSQL if it is unavailable.

If a worker failed to start, uvicorn would end the whole server, although PostgreSQL may be back in a moment.
"""

import logging
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import anyio

from indexer.errors import Busy, DatabaseUnavailable
from indexer.records import galleries
from indexer.settings import Settings
from indexer.usecases.bootstrap import Engine, open_engine

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 60.0
RETRY_SECONDS = 0.5
_TRANSIENT = (DatabaseUnavailable, Busy)
"""Not their subclasses: access that PostgreSQL denies now, it denies in a minute too."""


@asynccontextmanager
async def open_engine_patiently(settings: Settings) -> AsyncIterator[Engine]:
    """Retries for a minute. Raises what `open_engine` raises."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with ExitStack() as stack:
            try:
                engine = stack.enter_context(open_engine(settings, serving=True))
                _log_summary(engine)
            except _TRANSIENT as error:
                if type(error) not in _TRANSIENT or time.monotonic() >= deadline:
                    raise
                log.warning("waiting for PostgreSQL: %s", error)
            else:
                yield engine
                return
        await anyio.sleep(RETRY_SECONDS)


def _log_summary(engine: Engine) -> None:
    with engine.database.reading() as session:
        totals = galleries.totals(session)
    log.info(
        "%d galleries, %d faces enrolled, %d indexes open; model %s",
        totals.galleries,
        totals.faces,
        engine.index_cache.open_indexes,
        engine.pipeline.embedder.card.fingerprint,
    )
