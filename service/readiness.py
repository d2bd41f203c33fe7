"""Whether this process can answer. Queries PostgreSQL, and no index: a rebuild may hold its lock for long."""

import logging
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from indexer.errors import Busy, DatabaseUnavailable, GemelError, Stopping
from indexer.records import galleries
from indexer.records.database import schema
from indexer.records.database.session import Database
from service.middleware.admission import RequestSlots
from service.stopping import Stop

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
"""How long callers wait for a query, counted from its start. A busy, ready machine takes a second or two."""


@dataclass(slots=True)
class _Query:
    started_at: float = field(default_factory=anyio.current_time)
    answered: anyio.Event = field(default_factory=anyio.Event)
    totals: galleries.Totals | None = None
    error: GemelError | None = None


class Readiness:
    """All callers share one query at a time, because the route needs no authentication."""

    def __init__(
        self, database: Database, slots: RequestSlots, tasks: TaskGroup, stop: Stop | None = None
    ) -> None:
        self._database = database
        self._slots = slots
        self._tasks = tasks
        self._stop = stop
        self._query: _Query | None = None
        self._limiter = anyio.CapacityLimiter(1)

    async def totals(self) -> galleries.Totals:
        """Raises DatabaseUnavailable, DatabaseNotMigrated; Busy where all slots are stuck; Stopping."""
        if self._stop is not None and self._stop.begun:
            raise Stopping("the server is stopping: send requests to another")
        if self._slots.stuck:
            raise Busy(
                f"all {self._slots.most} requests in progress have taken more than"
                f" {self._slots.stuck_seconds:g} s"
            )
        query = self._query
        if query is None:
            query = self._query = _Query()
            self._tasks.start_soon(self._ask, query)
        with anyio.move_on_after(query.started_at + PATIENCE_SECONDS - anyio.current_time()):
            await query.answered.wait()
        if query.error is not None:
            raise query.error
        if query.totals is None:
            raise DatabaseUnavailable(f"PostgreSQL has not answered for {PATIENCE_SECONDS:g} s")
        return query.totals

    async def _ask(self, query: _Query) -> None:
        try:
            query.totals = await anyio.to_thread.run_sync(
                self._read, limiter=self._limiter, abandon_on_cancel=True
            )
        except GemelError as error:
            query.error = error
        except Exception:  # an exception here would end the task group and with it the application
            log.exception("cannot check readiness")
            query.error = DatabaseUnavailable("readiness could not be checked; the log has the reason")
        finally:
            self._query = None
            query.answered.set()

    def _read(self) -> galleries.Totals:
        schema.check(self._database)
        with self._database.reading() as session:
            return galleries.totals(session)
