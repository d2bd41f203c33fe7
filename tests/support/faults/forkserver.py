"""Processes that can be killed. They are forked from one that has imported what takes seconds to import."""

from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

context = get_context("forkserver")
context.set_forkserver_preload(
    ["tests.support.faults.node", "tests.support.faults.reindex_worker", "tests.support.faults.snapshots"]
)


def exit_code(function: Callable[..., object], *arguments: Any, seconds: float = 120) -> int | None:
    """Of a process that calls `function`; the number of a signal is negative, None if it has not ended."""
    process = context.Process(target=function, args=arguments)
    process.start()
    process.join(seconds)
    code = process.exitcode
    process.kill()
    process.join()
    return code
