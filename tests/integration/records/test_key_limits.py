"""Token buckets and slots of keys, in PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from indexer.records.database.session import Database
from indexer.records.key_limits import request_slots, token_buckets
from indexer.records.key_limits.token_buckets import Bucket, Portion

HOUR = 3600.0


def bucket(rate: float = 1 / HOUR, capacity: float = 5) -> Bucket:
    """By default one that gets no new token while a test runs."""
    return Bucket(key_id=uuid4(), kind="requests", rate=rate, capacity=capacity)


def take(database: Database, bucket: Bucket, most: int) -> Portion:
    with database.reading() as session:
        return token_buckets.take(session, bucket, most)


def charge(database: Database, bucket: Bucket, amount: int) -> Portion:
    with database.reading() as session:
        return token_buckets.charge(session, bucket, amount)


def rewind(database: Database, bucket: Bucket, seconds: float) -> None:
    """As if the bucket had been filled last so many seconds earlier."""
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE token_bucket SET filled_at = filled_at - make_interval(secs => :seconds)"
                " WHERE key_id = :key_id"
            ),
            {"seconds": seconds, "key_id": bucket.key_id},
        )


def test_a_new_bucket_is_full(database: Database) -> None:
    assert take(database, bucket(capacity=5), 9) == Portion(tokens=5, level=0)


def test_a_bucket_gives_what_is_left_in_whole_tokens(database: Database) -> None:
    fills_slowly = bucket(capacity=5.5)
    assert take(database, fills_slowly, 3).tokens == 3
    assert take(database, fills_slowly, 3).tokens == 2
    empty = take(database, fills_slowly, 3)
    assert empty.tokens == 0
    assert empty.level == pytest.approx(0.5, abs=0.1)


def test_a_bucket_fills_at_its_rate(database: Database) -> None:
    slow = bucket(rate=1 / HOUR, capacity=5)
    take(database, slow, 5)
    rewind(database, slow, 3 * HOUR)
    assert take(database, slow, 9).tokens == 3


def test_a_bucket_fills_up_to_its_capacity(database: Database) -> None:
    slow = bucket(capacity=5)
    take(database, slow, 5)
    rewind(database, slow, 1000 * HOUR)
    assert take(database, slow, 9).tokens == 5


def test_a_clock_that_goes_back_takes_no_token_away(database: Database) -> None:
    slow = bucket(capacity=5)
    take(database, slow, 2)
    rewind(database, slow, -10 * HOUR)
    assert take(database, slow, 9).tokens == 3


def test_a_charge_may_take_more_than_is_there_and_the_next_ones_wait(database: Database) -> None:
    slow = bucket(capacity=5)
    assert charge(database, slow, 7).level == -2
    assert take(database, slow, 1).tokens == 0
    rewind(database, slow, 3 * HOUR)
    assert take(database, slow, 9).tokens == 1


def test_a_lowered_limit_counts_at_once(database: Database) -> None:
    high = bucket(capacity=100)
    take(database, high, 1)
    low = Bucket(key_id=high.key_id, kind=high.kind, rate=high.rate, capacity=2)
    assert take(database, low, 9).tokens == 2


def test_buckets_of_other_keys_and_kinds_are_their_own(database: Database) -> None:
    one = bucket()
    take(database, one, 5)
    assert take(database, bucket(), 5).tokens == 5
    faces = Bucket(key_id=one.key_id, kind="faces", rate=one.rate, capacity=5)
    assert take(database, faces, 5).tokens == 5


def test_connections_that_take_at_once_take_no_token_twice(database: Database) -> None:
    shared = bucket(capacity=100)
    with ThreadPoolExecutor(8) as threads:
        grants = list(threads.map(lambda most: take(database, shared, most), [1, 2, 3] * 30))
    assert sum(grant.tokens for grant in grants) == 100


def take_slot(database: Database, key_id: UUID, most: int) -> UUID | None:
    with database.reading() as session:
        return request_slots.take(session, key_id, most)


def expire(database: Database, key_id: UUID) -> None:
    with database.transaction() as session:
        session.execute(
            text("UPDATE request_slot SET leased_until = now() - interval '1 s' WHERE key_id = :key_id"),
            {"key_id": key_id},
        )


def test_as_many_slots_are_leased_as_there_are(database: Database) -> None:
    key_id = uuid4()
    leases = [take_slot(database, key_id, 3) for _ in range(5)]
    assert [lease is not None for lease in leases] == [True, True, True, False, False]


def test_a_released_slot_is_leased_again(database: Database) -> None:
    key_id = uuid4()
    lease = take_slot(database, key_id, 1)
    assert lease is not None
    with database.reading() as session:
        request_slots.release(session, key_id, lease)
    assert take_slot(database, key_id, 1) is not None


def test_a_slot_whose_lease_expired_is_leased_again(database: Database) -> None:
    key_id = uuid4()
    take_slot(database, key_id, 1)
    expire(database, key_id)
    assert take_slot(database, key_id, 1) is not None
    assert take_slot(database, key_id, 1) is None


def test_an_extended_lease_does_not_expire(database: Database) -> None:
    key_id = uuid4()
    lease = take_slot(database, key_id, 1)
    assert lease is not None
    expire(database, key_id)
    with database.reading() as session:
        request_slots.extend(session, [lease])
    assert take_slot(database, key_id, 1) is None


def test_an_expired_lease_neither_releases_nor_extends_the_slot_of_its_successor(database: Database) -> None:
    key_id = uuid4()
    expired = take_slot(database, key_id, 1)
    assert expired is not None
    expire(database, key_id)
    assert take_slot(database, key_id, 1) is not None
    with database.reading() as session:
        request_slots.release(session, key_id, expired)
        assert request_slots.take(session, key_id, 1) is None
    expire(database, key_id)
    with database.reading() as session:
        request_slots.extend(session, [expired])
    assert take_slot(database, key_id, 1) is not None


def test_a_raised_limit_has_more_slots_and_a_lowered_one_fewer(database: Database) -> None:
    key_id = uuid4()
    first = take_slot(database, key_id, 1)
    assert first is not None
    assert take_slot(database, key_id, 2) is not None
    assert take_slot(database, key_id, 1) is None


def test_connections_that_take_slots_at_once_get_each_slot_once(database: Database) -> None:
    key_id = uuid4()
    with ThreadPoolExecutor(8) as threads:
        leases = list(threads.map(lambda _: take_slot(database, key_id, 5), range(24)))
    taken = [lease for lease in leases if lease is not None]
    assert len(taken) == len(set(taken)) == 5
