"""The load of a process: a task is alone, or shares the cores."""

import pytest

from indexer.inference.load import ProcessorLoad


def test_one_task_has_the_cores_for_itself_and_two_share_them() -> None:
    load = ProcessorLoad()
    assert not load.is_shared

    with load.task():
        assert not load.is_shared
        with load.task():
            assert load.is_shared
        assert not load.is_shared


def test_a_task_that_fails_is_counted_no_longer() -> None:
    load = ProcessorLoad()
    with pytest.raises(ZeroDivisionError), load.task():
        raise ZeroDivisionError

    with load.task():
        assert not load.is_shared
