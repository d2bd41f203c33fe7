"""The limits of a key hold for all processes together."""

import gc
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import text

from indexer.access.key_limits.limiter import KeyLimiter
from indexer.access.key_limits.limits import KeyLimits
from indexer.access.key_limits.token_lease import LEASE_SECONDS
from indexer.errors import DatabaseUnavailable, RateLimited
from indexer.records.database.session import Database
from tests.support.key_limits import admit, count_admitted, count_admitted_in_process

HOUR = 3600
Limiters = Callable[[], KeyLimiter]


@pytest.fixture
def limiters(database: Database, migrated: str) -> Iterator[Limiters]:
    """Opens limiters with connections of their own, as other processes have."""
    opened: list[tuple[KeyLimiter, Database]] = []

    def open_limiter() -> KeyLimiter:
        own = Database(migrated)
        limiter = KeyLimiter(own)
        opened.append((limiter, own))
        return limiter

    yield open_limiter
    for limiter, own in opened:
        limiter.close()
        own.close()


def test_two_limiters_share_the_requests_of_a_key(limiters: Limiters) -> None:
    key_id, limits = uuid4(), KeyLimits(requests_per_second=1 / HOUR)
    one, other = limiters(), limiters()
    admit(one, key_id, limits)
    with pytest.raises(RateLimited, match="limited to") as rejected:
        admit(other, key_id, limits)
    assert rejected.value.details["policy"] == "requests"
    assert HOUR - 60 <= rejected.value.retry_after_s <= HOUR


@pytest.mark.parametrize("rate", [5, 100])
def test_several_limiters_admit_no_more_than_the_rate_and_one_burst(limiters: Limiters, rate: float) -> None:
    key_id, limits = uuid4(), KeyLimits(requests_per_second=rate)
    ours = [limiters() for _ in range(4)]
    start = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        run = partial(count_admitted, key_id=key_id, limits=limits, seconds=0.7)
        admitted = sum(threads.map(run, ours))
    assert rate <= admitted <= rate * (time.monotonic() - start) + rate


def test_several_processes_admit_no_more_than_the_rate_and_one_burst(
    database: Database, migrated: str
) -> None:
    key_id, limits = uuid4(), KeyLimits(requests_per_second=100)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=spawn) as pool:
        runs = [
            pool.submit(count_admitted_in_process, migrated, key_id, limits, seconds=1.0) for _ in range(3)
        ]
        results = [run.result() for run in runs]
        end = time.monotonic()
    seconds = end - min(start for start, _ in results)
    admitted = [count for _, count in results]
    assert all(admitted)
    assert 100 <= sum(admitted) <= 100 * seconds + 100


def test_after_a_pause_one_burst_passes_and_what_was_leased_before_does_not(limiters: Limiters) -> None:
    """Tokens that processes took and did not use are lost, or a burst would have theirs too."""
    rate = 100.0
    key_id, limits = uuid4(), KeyLimits(requests_per_second=rate)
    ours = [limiters() for _ in range(4)]
    for limiter in ours:
        count_admitted(limiter, key_id, limits, seconds=0.3)
    start = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        admitted = sum(threads.map(lambda one: count_admitted(one, key_id, limits, seconds=0.2), ours))
    assert admitted <= rate * (time.monotonic() - start + LEASE_SECONDS) + rate


def test_a_rejected_request_takes_no_token(limiters: Limiters, database: Database) -> None:
    key_id, limits = uuid4(), KeyLimits(requests_per_second=1 / HOUR)
    limiter = limiters()
    admit(limiter, key_id, limits)
    for _ in range(20):
        with pytest.raises(RateLimited):
            admit(limiter, key_id, limits)
    with database.reading() as session:
        level = session.scalar(text("SELECT tokens FROM token_bucket WHERE key_id = :id"), {"id": key_id})
    assert level >= 0


def test_faces_that_one_process_used_count_in_another(limiters: Limiters) -> None:
    key_id, limits = uuid4(), KeyLimits(faces_per_second=2)
    one, other = limiters(), limiters()
    request = admit(one, key_id, limits)
    request.usage.charge(2 + 2 * HOUR)
    one.store()
    with pytest.raises(RateLimited) as rejected:
        admit(other, key_id, limits)
    assert rejected.value.details["policy"] == "faces"
    assert HOUR - 60 <= rejected.value.retry_after_s <= HOUR + 1


def test_a_request_may_use_more_faces_than_are_left_and_the_next_one_waits(limiters: Limiters) -> None:
    key_id, limits = uuid4(), KeyLimits(faces_per_second=1)
    limiter = limiters()
    request = admit(limiter, key_id, limits)
    request.usage.charge(20)
    with pytest.raises(RateLimited) as rejected:
        admit(limiter, key_id, limits)
    assert rejected.value.retry_after_s in (19, 20)


def test_two_limiters_share_the_concurrent_requests_of_a_key(limiters: Limiters) -> None:
    key_id, limits = uuid4(), KeyLimits(max_concurrent=2)
    one, other = limiters(), limiters()
    first = admit(one, key_id, limits)
    admit(other, key_id, limits)
    with pytest.raises(RateLimited) as rejected:
        admit(other, key_id, limits)
    assert rejected.value.details["policy"] == "concurrency"
    one.finish(first)
    admit(other, key_id, limits)


def test_slots_of_a_killed_process_come_back_when_their_lease_ends(
    limiters: Limiters, database: Database, migrated: str
) -> None:
    key_id, limits = uuid4(), KeyLimits(max_concurrent=1)
    program = (
        "import sys, time, uuid\n"
        "from indexer.access.key_limits.limiter import KeyLimiter\n"
        "from indexer.access.key_limits.limits import KeyLimits\n"
        "from indexer.records.database.session import Database\n"
        "from tests.support.key_limits import admit\n"
        "admit(KeyLimiter(Database(sys.argv[1])), uuid.UUID(sys.argv[2]), KeyLimits(max_concurrent=1))\n"
        "print('admitted', flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, migrated, str(key_id)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "admitted\n"
        process.kill()
    limiter = limiters()
    with pytest.raises(RateLimited):
        admit(limiter, key_id, limits)
    with database.transaction() as session:  # as if the rest of the lease had passed
        session.execute(text("UPDATE request_slot SET leased_until = leased_until - interval '30 s'"))
    admit(limiter, key_id, limits)


def test_the_leases_of_requests_that_take_long_are_extended(limiters: Limiters, database: Database) -> None:
    key_id, limits = uuid4(), KeyLimits(max_concurrent=1)
    limiter = limiters()
    request = admit(limiter, key_id, limits)
    with database.transaction() as session:
        session.execute(text("UPDATE request_slot SET leased_until = now() - interval '1 s'"))
    limiter.extend_leases()
    with pytest.raises(RateLimited):
        admit(limiter, key_id, limits)
    limiter.finish(request)
    admit(limiter, key_id, limits)


def test_the_lease_of_a_request_that_nobody_finishes_is_not_extended(
    limiters: Limiters, database: Database
) -> None:
    key_id, limits = uuid4(), KeyLimits(max_concurrent=1)
    limiter = limiters()
    admit(limiter, key_id, limits)
    gc.collect()
    with database.transaction() as session:
        session.execute(text("UPDATE request_slot SET leased_until = now() - interval '1 s'"))
    limiter.extend_leases()
    admit(limiter, key_id, limits)


def test_changed_limits_count_with_the_next_request(limiters: Limiters) -> None:
    key_id = uuid4()
    limiter = limiters()
    admit(limiter, key_id, KeyLimits(requests_per_second=1 / HOUR))
    with pytest.raises(RateLimited):
        admit(limiter, key_id, KeyLimits(requests_per_second=1 / HOUR))
    with pytest.raises(RateLimited):
        admit(limiter, key_id, KeyLimits(requests_per_second=2 / HOUR))
    admit(limiter, key_id, KeyLimits(max_concurrent=1))


def test_without_postgresql_a_key_with_limits_gets_an_error(limiters: Limiters) -> None:
    """A limit that cannot be counted is not exceeded."""
    nowhere = Database("postgresql://nobody@127.0.0.1:1/nothing")
    limiter = KeyLimiter(nowhere)
    try:
        for limits in (
            KeyLimits(requests_per_second=10),
            KeyLimits(faces_per_second=10),
            KeyLimits(max_concurrent=10),
        ):
            with pytest.raises(DatabaseUnavailable):
                admit(limiter, uuid4(), limits)
    finally:
        limiter.close()
        nowhere.close()
