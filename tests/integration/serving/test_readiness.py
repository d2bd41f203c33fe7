"""`/readyz` tells the truth, and soon, whatever indexes and PostgreSQL do."""

import dataclasses
import threading
import time
from pathlib import Path
from typing import Any, cast

import anyio
import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from indexer.errors import Busy, DatabaseUnavailable
from indexer.records.database.session import Database
from service.middleware.admission import RequestSlots
from service.readiness import Readiness
from tests.support.asking import enrol
from tests.support.home import Home, ready, wait_for
from tests.support.stopped_postgresql import stopped_postgresql

LONG = 60


class HangingIndexes:
    """An index cache whose indexes are locked for long: every question hangs that asks one of them."""

    open_indexes = 1

    def __init__(self) -> None:
        self.released = threading.Event()

    def __getattr__(self, name: str) -> Any:
        self.released.wait(LONG)
        raise AttributeError(name)


def test_no_lock_of_an_index_keeps_readyz_waiting(client: TestClient, hopper: bytes) -> None:
    """And it tells how many faces there are, opened or not."""
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()
    enrol(client, "staff", hopper)
    state = cast(FastAPI, client.app).state
    hanging, engine = HangingIndexes(), state.engine
    state.engine = dataclasses.replace(engine, index_cache=cast(Any, hanging))
    try:
        began = time.monotonic()
        answer = client.get("/readyz")
        assert time.monotonic() - began < LONG / 2
    finally:
        hanging.released.set()
        state.engine = engine

    assert answer.status_code == 200
    assert (answer.json()["galleries"], answer.json()["faces"]) == (1, 1)


def test_a_process_whose_slots_are_stuck_is_not_ready(database: Database) -> None:
    """It is while answers come, however many are worked on; and again once one has come."""

    async def ask() -> None:
        slots = RequestSlots(2, stuck_seconds=0.05)
        async with anyio.create_task_group() as tasks:
            readiness = Readiness(database, slots, tasks)
            await slots.take()
            await anyio.sleep(0.1)
            await readiness.totals()
            await slots.take()
            await readiness.totals()
            while not slots.stuck:
                await anyio.sleep(0.01)
            with pytest.raises(Busy):
                await readiness.totals()
            slots.release()
            await readiness.totals()

    anyio.run(ask)


class BrokenDatabase:
    """Fails in a way that nobody foresaw."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("can't start new thread")


def test_an_unforeseen_error_is_a_503_of_readyz_and_does_not_end_the_application() -> None:
    """Whatever a task raises ends the group that it runs in, and with it what the application has open."""

    async def ask() -> None:
        async with anyio.create_task_group() as tasks:
            readiness = Readiness(cast(Database, BrokenDatabase()), RequestSlots(1), tasks)
            for _ in range(2):
                with pytest.raises(DatabaseUnavailable):
                    await readiness.totals()

    anyio.run(ask)


def test_a_postgresql_that_hangs_is_told_soon_and_to_all_who_ask(
    tmp_path: Path, migrated_cluster: Path
) -> None:
    home = Home(tmp_path, cluster=migrated_cluster)
    with home.server() as (base, _):
        with stopped_postgresql(tmp_path):
            for _ in range(20):
                began = time.monotonic()
                answer = httpx2.get(f"{base}/readyz", timeout=LONG)
                assert answer.status_code == 503
                assert answer.json()["code"] == "database_unavailable"
                assert time.monotonic() - began < LONG / 4
            assert httpx2.get(f"{base}/healthz", timeout=LONG).status_code == 200
        wait_for(lambda: ready(base))
