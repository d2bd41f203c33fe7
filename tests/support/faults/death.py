"""A process kills itself at a chosen step."""

import importlib
import os
import signal
from collections.abc import Callable
from typing import Any


def die_at(step: str) -> None:
    """`module:name:before` or `after`: killed before its first call, or when that has returned.

    `module:name:before:3` is about its third call.
    """
    module, path, when, *which = step.split(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    real: Callable[..., Any] = getattr(owner, name)
    left = int(which[0]) if which else 1

    def deadly(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left > 0:
            return real(*arguments, **named)
        if when == "after":
            real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, deadly)
