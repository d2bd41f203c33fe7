"""A process's share of a key's limits, by a clock of the tests."""

from dataclasses import dataclass

import pytest

from indexer.access.key_limits.face_account import STALE_SECONDS, FaceAccount
from indexer.access.key_limits.limits import KeyLimits, Policy, Quota
from indexer.access.key_limits.token_lease import LEASE_SECONDS, MIN_PAUSE_SECONDS, TokenLease
from indexer.errors import InvalidRequest


@dataclass
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def requested(lease: TokenLease, times: int) -> TokenLease:
    for _ in range(times):
        lease.count_request()
    return lease


@pytest.mark.parametrize("rate", [0.0, -1.0, 1e-300, 1e7, float("inf"), float("nan")])
def test_rates_that_no_bucket_can_have_are_rejected(rate: float) -> None:
    with pytest.raises(InvalidRequest, match="requests_per_second"):
        KeyLimits(requests_per_second=rate).check()
    with pytest.raises(InvalidRequest, match="faces_per_second"):
        KeyLimits(faces_per_second=rate).check()


@pytest.mark.parametrize("most", [0, -1, 10**9])
def test_a_concurrency_of_none_or_too_many_is_rejected(most: int) -> None:
    with pytest.raises(InvalidRequest, match="max_concurrent"):
        KeyLimits(max_concurrent=most).check()


def test_no_limits_and_usual_ones_are_accepted() -> None:
    for limits in (
        KeyLimits(),
        KeyLimits(requests_per_second=0.5, faces_per_second=20, max_concurrent=4),
    ):
        limits.check()


def test_the_first_request_takes_one_token_from_postgresql(clock: Clock) -> None:
    lease = requested(TokenLease(100, clock), 1)
    assert lease.take() is None
    assert lease.portion() == 1


def test_a_portion_is_used_without_postgresql(clock: Clock) -> None:
    lease = TokenLease(100, clock)
    lease.portion()
    assert lease.refill(4, 50) is True
    assert [lease.take() for _ in range(4)] == [True, True, True, None]


def test_tokens_of_a_portion_expire(clock: Clock) -> None:
    lease = TokenLease(100, clock)
    lease.portion()
    lease.refill(4, 50)
    assert lease.take() is True
    clock.seconds += LEASE_SECONDS * 1.01
    assert lease.take() is None


def test_a_portion_is_half_of_what_the_process_needs_during_a_lease(clock: Clock) -> None:
    lease = TokenLease(1000, clock)
    for _ in range(1000):
        clock.seconds += 0.0025
        requested(lease, 1)
        lease.refill(1, 500)  # however often it is filled
    assert lease.portion() == pytest.approx(LEASE_SECONDS / 0.0025 / 2, rel=0.05)
    clock.seconds += 10
    assert requested(lease, 1).portion() == 1


def test_a_portion_is_at_most_what_flows_in_within_half_of_the_lease(clock: Clock) -> None:
    assert requested(TokenLease(80, clock), 10_000).portion() == 80 * LEASE_SECONDS / 2


def test_an_empty_bucket_is_not_queried_until_its_next_token(clock: Clock) -> None:
    lease = TokenLease(2, clock)
    assert lease.refill(0, 0.5) is False
    assert lease.take() is False
    clock.seconds += 0.24
    assert lease.take() is False
    clock.seconds += 0.02
    assert lease.take() is None


def test_an_empty_bucket_of_a_high_rate_is_not_queried_for_some_milliseconds(clock: Clock) -> None:
    lease = TokenLease(100_000, clock)
    lease.refill(0, 0.5)
    clock.seconds += MIN_PAUSE_SECONDS / 2
    assert lease.take() is False
    clock.seconds += MIN_PAUSE_SECONDS
    assert lease.take() is None


@pytest.mark.parametrize(
    ("rate", "level", "available", "window_seconds"),
    [
        (10, 7.9, 7, 1),
        (10, 0.0, 0, 1),
        (0.1, 0.0, 0, 10),
        (0.1, 0.95, 0, 1),
        (4, -19.0, 0, 5),
        (0.5, 1.0, 1, 1),
    ],
)
def test_a_quota_has_whole_tokens_and_the_seconds_until_the_next_one(
    rate: float, level: float, available: int, window_seconds: int
) -> None:
    quota = Quota.of(Policy.REQUESTS, level, rate)
    assert (quota.available, quota.window_seconds) == (available, window_seconds)


def test_the_requests_quota_grows_with_the_time(clock: Clock) -> None:
    lease = TokenLease(10, clock)
    lease.refill(1, 0)
    assert lease.quota().available == 0
    clock.seconds += 0.5
    assert lease.quota().available == 5
    clock.seconds += 10
    assert lease.quota().available == 10


def test_faces_are_unknown_until_postgresql_has_answered(clock: Clock) -> None:
    account = FaceAccount(10, clock)
    assert account.has_face() is None
    account.charged(10)
    assert account.has_face() is True


def test_faces_of_other_processes_are_queried_after_a_tenth_of_a_second(clock: Clock) -> None:
    account = FaceAccount(10, clock)
    account.charged(10)
    clock.seconds += STALE_SECONDS * 1.01
    assert account.has_face() is None


def test_charged_faces_count_before_postgresql_knows(clock: Clock) -> None:
    account = FaceAccount(10, clock)
    account.charged(10)
    account.charge(25)
    assert account.has_face() is False
    assert account.quota().window_seconds == 2
    account.start_charging()
    assert account.has_face() is False
    account.charged(-15)
    assert account.has_face() is False


def test_faces_come_back_at_the_rate_without_postgresql_being_queried_before(clock: Clock) -> None:
    account = FaceAccount(10, clock)
    account.charged(-15)
    clock.seconds += 1.59
    assert account.has_face() is False
    clock.seconds += 0.02
    assert account.has_face() is None


def test_faces_that_could_not_be_stored_are_stored_by_the_next_statement(clock: Clock) -> None:
    account = FaceAccount(10, clock)
    account.charge(3)
    assert account.start_charging() == 3
    account.failed()
    account.charge(2)
    assert account.start_charging() == 5
