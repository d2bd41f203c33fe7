"""Batching: everybody gets their own answer, whoever they shared a batch with."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from indexer.concurrency import in_background
from indexer.embedding.batching import BatchingEmbedder
from indexer.embedding.catalog import sface
from indexer.errors import Busy
from tests.support.fakes import MeanColourEmbedder


def faces(*values: int) -> np.ndarray:
    return np.stack([np.full((4, 4, 3), value, np.uint8) for value in values])


def test_many_callers_at_once_each_get_the_embeddings_of_their_own_faces() -> None:
    fake = MeanColourEmbedder()
    batching = BatchingEmbedder(fake, max_batch=8, max_waiting=1000)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda v: batching.embed(faces(v, v + 1, v + 2)), range(1, 201)))
    batching.close()

    for value, answer in zip(range(1, 201), answers, strict=True):
        np.testing.assert_array_equal(answer, fake.embed(faces(value, value + 1, value + 2)))


def test_those_who_wait_together_are_embedded_together_within_the_limit() -> None:
    fake = MeanColourEmbedder(blocked=True)
    batching = BatchingEmbedder(fake, max_batch=4, max_waiting=100)
    with ThreadPoolExecutor(11) as pool:
        waiting = [pool.submit(batching.embed, faces(v)) for v in range(11)]
        fake.entered.wait()  # the first is in the network, alone or not; the others queue behind it
        while batching.waiting + sum(fake.sizes) < 11:
            threading.Event().wait(0.001)
        fake.unblock()
        for answer in waiting:
            answer.result()
    batching.close()

    assert sum(fake.sizes) == 11
    assert max(fake.sizes) <= 4
    assert len(fake.sizes) < 11


def test_as_many_batches_as_threads_are_embedded_at_once() -> None:
    fake = MeanColourEmbedder(blocked=True)
    batching = BatchingEmbedder(fake, max_batch=4, max_waiting=10, threads=2)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(batching.embed, faces(value)) for value in (1, 2)]
        while len(fake.sizes) < 2:  # neither batch has ended
            threading.Event().wait(0.001)
        fake.unblock()
        for value, answer in zip((1, 2), answers, strict=True):
            np.testing.assert_array_equal(answer.result(), fake.embed(faces(value)))
    batching.close()


def test_more_faces_than_a_batch_are_split() -> None:
    fake = MeanColourEmbedder()
    batching = BatchingEmbedder(fake, max_batch=4, max_waiting=10)
    answer = batching.embed(faces(*range(10)))
    batching.close()

    np.testing.assert_array_equal(answer, fake.embed(faces(*range(10))))
    assert max(fake.sizes[:-1]) <= 4


def test_one_caller_too_many_is_turned_away_and_the_others_are_served() -> None:
    fake = MeanColourEmbedder(blocked=True)
    batching = BatchingEmbedder(fake, max_batch=1, max_waiting=2)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(batching.embed, faces(1))
        fake.entered.wait()
        queued = [pool.submit(batching.embed, faces(v)) for v in (2, 3)]
        while batching.waiting < 2:
            threading.Event().wait(0.001)
        with pytest.raises(Busy):
            batching.embed(faces(4))
        fake.unblock()
        for answer in (first, *queued):
            assert answer.result().shape == (1, sface(mirror=True).dimension)
    batching.close()


def test_an_error_of_the_network_reaches_every_caller_and_the_next_is_served() -> None:
    """The callers of a batch that several share, too."""
    fake = MeanColourEmbedder(blocked=True)
    fake.error = RuntimeError("out of memory")
    batching = BatchingEmbedder(fake, max_batch=4, max_waiting=10)
    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(batching.embed, faces(1))
        fake.entered.wait()
        together = [pool.submit(batching.embed, faces(value)) for value in (2, 3, 4, 5)]
        while batching.waiting < 4:
            threading.Event().wait(0.001)
        fake.unblock()
        errors = [one.exception(timeout=60) for one in (first, *together)]
    fake.error = None

    assert [str(error) for error in errors] == ["out of memory"] * 5
    assert fake.sizes == [1, 4], "the four were in one batch"
    assert batching.embed(faces(1)).shape[0] == 1
    batching.close()


def test_no_faces_need_no_network() -> None:
    batching = BatchingEmbedder(MeanColourEmbedder(), max_batch=4, max_waiting=10)
    assert batching.embed(np.empty((0, 4, 4, 3), np.uint8)).shape == (0, 128)
    batching.close()


def test_two_callers_have_no_batch_in_common_if_two_threads_own_the_network() -> None:
    """One of them would wait for both faces while a thread is free."""
    fake = MeanColourEmbedder()
    batching = BatchingEmbedder(fake, max_batch=8, max_waiting=10, threads=2)

    def ask() -> None:
        for value in range(300):
            batching.embed(faces(value % 256))

    with ThreadPoolExecutor(2) as pool:
        for asking in [pool.submit(ask), pool.submit(ask)]:
            asking.result(timeout=60)
    batching.close()

    assert fake.sizes == [1] * 600


def test_closing_amid_callers_leaves_nobody_without_an_answer() -> None:
    """Each of them is served or turned away; none waits for ever."""
    for _ in range(50):
        batching = BatchingEmbedder(MeanColourEmbedder(), max_batch=4, max_waiting=100, threads=3)

        def ask(batching: BatchingEmbedder = batching) -> bool:
            try:
                return len(batching.embed(faces(1))) == 1
            except Busy:
                return False

        with ThreadPoolExecutor(9) as pool:
            asking = [pool.submit(ask) for _ in range(8)]
            pool.submit(batching.close)
            for answer in asking:
                answer.result(timeout=30)
        batching.close()


def test_after_closing_callers_are_turned_away() -> None:
    batching = BatchingEmbedder(MeanColourEmbedder(), max_batch=4, max_waiting=10)
    batching.close()

    with pytest.raises(Busy):
        batching.embed(faces(1))


def test_a_request_does_not_wait_for_the_faces_of_an_import_that_came_before_it() -> None:
    fake = MeanColourEmbedder(blocked=True)
    batching = BatchingEmbedder(fake, max_batch=8, max_waiting=10, background_batch=2)

    def enrol() -> np.ndarray:
        with in_background():
            return batching.embed(faces(1, 2, 3, 4, 5, 6))

    with ThreadPoolExecutor(2) as pool:
        imported = pool.submit(enrol)
        fake.entered.wait()
        while batching.waiting < 2:
            threading.Event().wait(0.001)
        requested = pool.submit(batching.embed, faces(7, 8, 9))
        while batching.waiting < 3:
            threading.Event().wait(0.001)
        fake.unblock()
        answers = requested.result(), imported.result()
    batching.close()

    assert fake.sizes == [2, 3, 2, 2]  # small batches, and the request after the first
    np.testing.assert_array_equal(answers[0], fake.embed(faces(7, 8, 9)))
    np.testing.assert_array_equal(answers[1], fake.embed(faces(1, 2, 3, 4, 5, 6)))


def test_an_import_is_not_rejected_because_many_requests_wait() -> None:
    fake = MeanColourEmbedder(blocked=True)
    batching = BatchingEmbedder(fake, max_batch=1, max_waiting=1)

    def enrol() -> np.ndarray:
        with in_background():
            return batching.embed(faces(3))

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(batching.embed, faces(1))
        fake.entered.wait()
        second = pool.submit(batching.embed, faces(2))
        while batching.waiting < 1:
            threading.Event().wait(0.001)
        third = pool.submit(enrol)
        while batching.waiting < 2:
            threading.Event().wait(0.001)
        fake.unblock()
        for value, answer in zip((1, 2, 3), (first, second, third), strict=True):
            np.testing.assert_array_equal(answer.result(), fake.embed(faces(value)))
    batching.close()
