"""Whether this process can answer: asks PostgreSQL, and no index, whose locks a rebuild may hold for long."""

import logging
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from indexer.errors import Busy, DatabaseUnavailable, GemelError
from indexer.records import galleries
from indexer.records.database import schema
from indexer.records.database.session import Database
from service.middleware.admission import Slots

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 5.0
"""For which an answer of PostgreSQL is awaited, by the first who asks: later ones are told at once. A machine
that is busy takes a second or two, and is ready."""


@dataclass(slots=True)
class _Question:
    asked_at: float = field(default_factory=anyio.current_time)
    answered: anyio.Event = field(default_factory=anyio.Event)
    totals: galleries.Totals | None = None
    error: GemelError | None = None


class Readiness:
    """However many ask, PostgreSQL is asked by one thread at a time: the route is open to everybody."""

    def __init__(self, database: Database, slots: Slots, tasks: TaskGroup) -> None:
        self._database = database
        self._slots = slots
        self._tasks = tasks
        self._question: _Question | None = None
        self._limiter = anyio.CapacityLimiter(1)

    async def totals(self) -> galleries.Totals:
        """Raises DatabaseUnavailable, DatabaseNotMigrated; Busy where all slots are stuck."""
        if self._slots.stuck:
            raise Busy(
                f"all {self._slots.most} requests that are worked on have taken more than"
                f" {self._slots.stuck_seconds:g} s"
            )
        question = self._question
        if question is None:
            question = self._question = _Question()
            self._tasks.start_soon(self._ask, question)
        with anyio.move_on_after(question.asked_at + PATIENCE_SECONDS - anyio.current_time()):
            await question.answered.wait()
        if question.error is not None:
            raise question.error
        if question.totals is None:
            raise DatabaseUnavailable(f"PostgreSQL has not answered for {PATIENCE_SECONDS:g} s")
        return question.totals

    async def _ask(self, question: _Question) -> None:
        try:
            question.totals = await anyio.to_thread.run_sync(
                self._read, limiter=self._limiter, abandon_on_cancel=True
            )
        except GemelError as error:
            question.error = error
        except Exception:  # raised from here it would end the task group, and the application with it
            log.exception("readiness could not be checked")
            question.error = DatabaseUnavailable("readiness could not be checked; the log says why")
        finally:
            self._question = None
            question.answered.set()

    def _read(self) -> galleries.Totals:
        schema.check(self._database)
        with self._database.reading() as session:
            return galleries.totals(session)
