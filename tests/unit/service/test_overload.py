"""What counts as overload, on a clock that the tests move."""

import pytest

from service.middleware.overload import OverloadDetector


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    """A queue of 64 places, served at 50 requests a second; 3 places during overload."""

    RATE = 50
    PLACES = 64
    PLACES_OVERLOADED = 3

    def __init__(self) -> None:
        self.clock = Clock()
        self.detector = OverloadDetector(clock=self.clock)
        self.in_progress = 0
        self.stalled = False
        self._done = 0.0

    def arrive(self) -> bool:
        """Whether the request was admitted."""
        places = self.PLACES_OVERLOADED if self.detector.overloaded else self.PLACES
        admitted = self.in_progress < places
        self.detector.count(rejected=not admitted)
        self.in_progress += admitted
        return admitted

    def run(self, seconds: float, *, rate: float) -> float:
        """Offers `rate` requests a second at even intervals; returns the admitted share."""
        due = admitted = offered = 0.0
        for _ in range(round(seconds * 1000)):
            self.clock.now += 0.001
            self._serve()
            due += rate / 1000
            while due >= 1:
                due -= 1
                offered += 1
                admitted += self.arrive()
        return admitted / offered if offered else 1.0

    def _serve(self) -> None:
        if not self.in_progress or self.stalled:
            return
        self._done += self.RATE / 1000
        if self._done >= 1:
            self._done -= 1
            self.in_progress -= 1
            self.detector.count_completed()


@pytest.mark.parametrize("clients", [8, 64])
def test_clients_that_wait_for_their_answers_are_no_overload(clients: int) -> None:
    server = Server()
    for _ in range(1000):
        while server.in_progress < clients:
            assert server.arrive()
        server.run(0.01, rate=0)
        assert not server.detector.overloaded


@pytest.mark.parametrize("times", [1.5, 3, 10, 100])
def test_more_arrivals_than_answers_are_overload_as_long_as_they_last(times: float) -> None:
    server = Server()
    server.run(5, rate=times * server.RATE)
    assert server.detector.overloaded
    for _ in range(100):
        server.run(0.1, rate=times * server.RATE)
        assert server.detector.overloaded
        assert server.in_progress <= server.PLACES_OVERLOADED


def test_overload_begins_half_a_second_after_a_tenfold_load_and_no_later() -> None:
    server = Server()
    server.run(0.5, rate=10 * server.RATE)
    assert server.detector.overloaded


def test_a_burst_is_no_overload_and_all_who_try_again_after_a_second_are_answered() -> None:
    server = Server()
    left = 200
    for _ in range(5):
        left -= sum(server.arrive() for _ in range(left))
        server.run(1, rate=0)
        assert not server.detector.overloaded
    assert left == 0


@pytest.mark.parametrize("rate", [0, 25, 45])
def test_overload_ends_within_two_seconds_after_the_load(rate: float) -> None:
    server = Server()
    server.run(5, rate=500)
    assert server.detector.overloaded
    server.run(2.1, rate=rate)
    assert not server.detector.overloaded
    assert server.run(5, rate=rate) == 1


def test_eight_clients_after_an_overload_are_soon_all_answered() -> None:
    """Those that are rejected try again after a second, all at the same moment."""
    server = Server()
    server.run(5, rate=500)
    again = [server.clock.now] * 8
    answered_since = server.clock.now
    while server.clock.now < answered_since + 3:
        for number, at in enumerate(again):
            if at <= server.clock.now and not server.arrive():
                again[number] = server.clock.now + 1
                answered_since = server.clock.now
            elif at <= server.clock.now:
                again[number] = server.clock.now + 8 / server.RATE
        server.run(0.001, rate=0)
        assert server.clock.now < 1000 + 5 + 10


def test_a_server_that_answers_nobody_is_stalled_and_not_overloaded() -> None:
    server = Server()
    server.stalled = True
    assert server.run(20, rate=500) < 0.01
    assert not server.detector.overloaded


def test_rejections_that_are_far_apart_are_no_overload() -> None:
    detector = OverloadDetector(clock=(clock := Clock()))
    for _ in range(100):
        detector.count(rejected=True)
        detector.count_completed()
        clock.now += 0.5
        assert not detector.overloaded
