"""A finding of a check."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "info", "warning", "problem"]
"""`problem`: something does not work, or soon will not. `warning`: it needs attention. `info`: for
information, nothing to do. `ok`: the check found nothing wrong."""

LEVELS: tuple[Level, ...] = ("problem", "warning", "info", "ok")
"""The worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    check: str
    level: Level
    code: str
    """Stable, for programs."""
    text: str
    """In words, with figures."""
    advice: str | None = None
    """What to do."""


def ok(check: str, text: str) -> Finding:
    return Finding(check=check, level="ok", code=f"{check}_ok", text=text)
