"""Progress of long work: a bar on a terminal, otherwise a line every few seconds, suitable for a log."""

import threading
import time
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from indexer.cli.output import console

LINE_SECONDS = 10.0
"""Between two lines about the same task."""


def progress_bar(unit: str = "") -> Progress:
    """`unit`: the unit of the rate, such as "images". Without one, no rate is shown."""
    if not console.is_terminal:
        return ProgressLines(unit)
    return Progress(
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *([_Rate(unit)] if unit else []),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(_rate(task, self._unit))


def _rate(task: Task, unit: str) -> str:
    speed = task.finished_speed or task.speed
    return f"{speed:,.{0 if speed >= 10 else 1}f} {unit}/s" if speed else ""


def duration(seconds: float) -> str:
    """Such as `8 s`, `12 min` or `3.4 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6_000 else f"{seconds / 3600:.1f} h"


class ProgressLines(Progress):
    """Progress as lines instead of a bar. Thread-safe."""

    def __init__(self, unit: str = "") -> None:
        super().__init__(console=console, disable=True)
        self._unit = unit
        self._printed_at: dict[TaskID, float] = {}
        """Time of the last line of each task; infinite after the line that says it is done."""
        self._printing = threading.Lock()

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        super().advance(task_id, advance)
        self._print(task_id)

    def update(self, task_id: TaskID, **values: Any) -> None:
        super().update(task_id, **values)
        self._print(task_id)

    def _print(self, task_id: TaskID) -> None:
        with self._printing:
            task = next(task for task in self.tasks if task.id == task_id)
            now = time.monotonic()
            due = self._printed_at.setdefault(task_id, now) + LINE_SECONDS
            if due == float("inf") or (now < due and not task.finished):
                return
            self._printed_at[task_id] = float("inf") if task.finished else now
        console.print(self._line(task), highlight=False, markup=False, soft_wrap=True)

    def _line(self, task: Task) -> str:
        total = "" if task.total is None else f"/{task.total:.0f}"
        parts = [f"{task.description}: {task.completed:.0f}{total}"]
        if self._unit and (rate := _rate(task, self._unit)):
            parts.append(rate)
        if not task.finished and task.time_remaining is not None:
            parts.append(f"{duration(task.time_remaining)} left")
        if task.finished and task.finished_time is not None:
            parts.append(f"done in {duration(task.finished_time)}")
        return ", ".join(parts)
