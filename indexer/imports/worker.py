"""The threads of a serving process that enrol the files of imports.

Any number of processes work on the same imports: each claims some files at a time (`records.imports.queue`).
Requests go first: while one is worked on, a thread waits a moment before its next picture.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from uuid import UUID

from indexer.errors import Busy, GalleryNotFound, GemelError, LeaseLost, Stopping
from indexer.imports import path_reader, previews
from indexer.imports.claim import Claimed, claim
from indexer.imports.enrol import Observe, enrol
from indexer.records.database.session import Session
from indexer.records.imports import files, jobs, queue, states
from indexer.replica.threads.supervised import Supervised
from indexer.settings import Settings
from indexer.usecases.bootstrap import Engine, import_threads

log = logging.getLogger(__name__)

FILES = 16
"""Most files in one claim, and in one transaction that enrols."""
BYTES = 32_000_000
"""Most bytes in one claim."""
IDLE_SECONDS = 1.0
HEARTBEAT_SECONDS = 10.0
UPKEEP_SECONDS = 1.0
EXPIRY_SECONDS = 600.0
COURTESY_SECONDS = 0.3
"""How long a thread waits for requests, before each picture."""
_POLL_SECONDS = 0.005


class ImportWorker:
    """`start` it when the engine is open, `close` it before the engine is."""

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        *,
        requests: Callable[[], int] = lambda: 0,
        observe: Observe = lambda *_: None,
    ) -> None:
        """`requests`: how many this process works on now. `observe` counts faces and rejections."""
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        """In the database."""
        self._engine = engine
        self._settings = settings
        self._requests = requests
        self._observe = observe
        self._receiving = 0
        """Requests among them that bring files."""
        self._counting = threading.Lock()
        self._closing = threading.Event()
        self._has_claimed = False
        self._turn_of = 0
        """Imports take turns: where in their list the next claim begins."""
        self._expired_at: float | None = None
        count = import_threads(settings)
        self._threads = [
            Supervised(f"import {number}", self._turn, every_seconds=IDLE_SECONDS) for number in range(count)
        ]
        self._others = (
            [
                Supervised("import leases", self._renew_leases, every_seconds=HEARTBEAT_SECONDS),
                Supervised("import upkeep", self._keep_up, every_seconds=UPKEEP_SECONDS),
            ]
            if count
            else []
        )

    def start(self) -> None:
        for thread in (*self._threads, *self._others):
            thread.start()

    def wake(self) -> None:
        """Files have arrived."""
        for thread in (*self._threads, *self._others[1:]):
            thread.wake()

    @contextmanager
    def receiving(self) -> Iterator[None]:
        """Around the work on a request that brings files: enrolments do not wait for it."""
        with self._counting:
            self._receiving += 1
        try:
            yield
        finally:
            with self._counting:
                self._receiving -= 1

    def check_room(self, session: Session) -> None:
        """Raises Busy while too many bytes wait."""
        files.check_room(session, self._settings.import_waiting_bytes)

    def close(self) -> None:
        """Ends within a picture or two, and gives back what it has claimed."""
        self._closing.set()
        for thread in (*self._threads, *self._others):
            thread.close()
        if self._has_claimed:
            try:
                with self._engine.database.transaction() as session:
                    queue.release(session, self.name)
                    queue.release_paths(session, self.name)
            except GemelError as error:
                log.warning("cannot release the files of imports, their leases will expire: %s", error)

    def _turn(self) -> None:
        """Enrols until nothing is left."""
        worked = True
        while worked and not self._closing.is_set():
            with self._engine.database.reading() as session:
                imports = jobs.open_ids(session)
            worked = False
            for import_id in self._in_turn(imports):
                claimed = claim(self._engine, import_id, self.name, at_most=FILES, max_bytes=BYTES)
                if claimed is not None:
                    self._has_claimed = True
                    self._enrol(claimed)
                    worked = True
                    break

    def _in_turn(self, imports: list[UUID]) -> Iterable[UUID]:
        self._turn_of += 1
        start = self._turn_of % max(1, len(imports))
        return imports[start:] + imports[:start]

    def _enrol(self, claimed: Claimed) -> None:
        try:
            enrol(self._engine, claimed, check=self._give_way, observe=self._observe)
        except (LeaseLost, GalleryNotFound) as error:  # cancelled, deleted, or another worker has them
            log.info("import %s: %s", claimed.job.id, error)
            self._release(claimed)
        except (Stopping, Busy):
            self._release(claimed)
            self._closing.wait(COURTESY_SECONDS)
        except GemelError:
            self._release(claimed)
            raise
        except Exception:
            self._release(claimed, tried=True)
            raise

    def _release(self, claimed: Claimed, *, tried: bool = False) -> None:
        """Gives back what is left of it. `tried`: it may be a file's fault."""
        with suppress(GemelError), self._engine.database.transaction() as session:
            queue.release(session, self.name, [file.id for file in claimed.files], tried=tried)

    def _give_way(self) -> None:
        """Raises Stopping."""
        deadline = time.monotonic() + COURTESY_SECONDS
        while (
            self._requests() > self._receiving and time.monotonic() < deadline and not self._closing.is_set()
        ):
            time.sleep(_POLL_SECONDS)
        if self._closing.is_set():
            raise Stopping("the server is stopping")

    def _renew_leases(self) -> None:
        with self._engine.database.transaction() as session:
            queue.renew_leases(session, self.name)

    def _keep_up(self) -> None:
        folder = self._settings.import_folder
        if folder is not None:
            path_reader.read_next(
                self._engine.database,
                self.name,
                folder,
                max_bytes=self._settings.max_upload_bytes,
                check_room=self._wait_for_room,
            )
        if self._expired_at is None or time.monotonic() - self._expired_at > EXPIRY_SECONDS:
            self._expired_at = time.monotonic()
            previews.repair(self._engine)
            with self._engine.database.transaction(long=True) as session:
                queue.drop_bytes(session)  # what workers left that were killed
                deleted = states.expire(session, timedelta(days=self._settings.import_days))
            if deleted:
                log.info("deleted %d imports that ended %g days ago", deleted, self._settings.import_days)

    def _wait_for_room(self, session: Session) -> None:
        """Raises Stopping."""
        while True:
            if self._closing.is_set():
                raise Stopping("the server is stopping")
            try:
                self.check_room(session)
                return
            except Busy:
                self._closing.wait(IDLE_SECONDS)
