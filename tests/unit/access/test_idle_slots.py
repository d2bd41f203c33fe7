"""Slots that a process keeps for a key's next request."""

from uuid import uuid4

from indexer.access.key_limits.idle_slots import KEEP_SECONDS, IdleSlots

KEY = uuid4()


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_the_next_request_of_the_key_gets_the_newest_slot_and_another_key_none() -> None:
    idle, first, second = IdleSlots(), uuid4(), uuid4()
    assert idle.keep(KEY, first, 8)
    assert idle.keep(KEY, second, 8)
    assert idle.take(uuid4()) is None
    assert [idle.take(KEY), idle.take(KEY), idle.take(KEY)] == [second, first, None]


def test_a_process_keeps_at_most_a_quarter_of_a_keys_slots_and_none_of_three() -> None:
    idle = IdleSlots()
    assert [idle.keep(KEY, uuid4(), 8) for _ in range(3)] == [True, True, False]
    assert not idle.keep(uuid4(), uuid4(), 3)


def test_a_slot_that_was_idle_for_too_long_is_released_and_not_used() -> None:
    clock = Clock()
    idle, old, new = IdleSlots(clock), uuid4(), uuid4()
    idle.keep(KEY, old, 8)
    clock.seconds = KEEP_SECONDS * 0.9
    idle.keep(KEY, new, 8)
    clock.seconds = KEEP_SECONDS * 1.1
    assert idle.take_expired() == [(KEY, old)]
    assert idle.take_expired() == []
    clock.seconds = KEEP_SECONDS * 2
    assert idle.take(KEY) is None
    assert idle.take_expired() == [(KEY, new)]


def test_when_the_process_stops_every_slot_is_released() -> None:
    idle, slot = IdleSlots(), uuid4()
    idle.keep(KEY, slot, 8)
    assert idle.take_expired(every=True) == [(KEY, slot)]
    assert idle.take(KEY) is None
