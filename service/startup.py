"""Opens the engine when a server starts. A PostgreSQL that is away just then is waited for.

A worker that could not start would end the whole server, though the others would serve again in a moment.
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
_PASSING = (DatabaseUnavailable, Busy)
"""Not their subclasses: what PostgreSQL forbids, it forbids in a minute too."""


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Engine]:
    """Raises what `open_engine` does; DatabaseUnavailable and Busy after a minute."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with ExitStack() as stack:
            try:
                engine = stack.enter_context(open_engine(settings, serving=True))
                _tell(engine)
            except _PASSING as error:
                if type(error) not in _PASSING or time.monotonic() >= deadline:
                    raise
                log.warning("the start waits for PostgreSQL: %s", error)
            else:
                yield engine
                return
        await anyio.sleep(RETRY_SECONDS)


def _tell(engine: Engine) -> None:
    with engine.database.reading() as session:
        totals = galleries.totals(session)
    log.info(
        "%d galleries, %d faces enrolled, %d indexes open; model %s",
        totals.galleries,
        totals.faces,
        engine.index_cache.open_indexes,
        engine.pipeline.embedder.card.fingerprint,
    )
