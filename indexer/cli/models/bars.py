"""Progress of downloads: a bar for each file."""

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from indexer.cli.output import console
from indexer.cli.progress import ProgressLines
from indexer.weights.file import WeightFile


def bytes_bar() -> Progress:
    if not console.is_terminal:
        return ProgressLines("bytes")
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


class FileBars:
    """Called with a file and how many of its bytes are there."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._tasks: dict[WeightFile, TaskID] = {}

    def __call__(self, file: WeightFile, bytes_there: int) -> None:
        if file not in self._tasks:
            self._tasks[file] = self._bar.add_task(file.name, total=file.size_bytes)
        self._bar.update(self._tasks[file], completed=bytes_there)
