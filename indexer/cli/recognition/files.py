"""Identifies the photographs of `gemel identify`, and prints what became of them."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import typer

from indexer.cli.output import console, escape_text, json_line, out, quantity
from indexer.cli.progress import progress_bar
from indexer.cli.recognition.attributes import print_attributes
from indexer.cli.recognition.tables import add_rows, empty_table, summary

if TYPE_CHECKING:
    from indexer.usecases.answers.detect import DetectAnswer
    from indexer.usecases.answers.faces import DetectedFace
    from indexer.usecases.answers.identify import IdentifyAnswer
    from indexer.usecases.answers.identify_in_several import IdentifyInSeveralAnswer
    from indexer.usecases.identify_files import IdentifiedFile, Photograph

    Identified = IdentifyAnswer | IdentifyInSeveralAnswer

Answer = TypeVar("Answer", bound="Identified | DetectAnswer")

LISTED = 100
"""Most photographs that the terminal shows. JSON has all."""
INTERRUPTED = 130
"""Exit status of an interrupted command: 128 + SIGINT."""


@dataclass(slots=True, kw_only=True)
class Run(Generic[Answer]):
    files: "Sequence[Photograph]"
    done: "list[IdentifiedFile[Answer]]" = field(default_factory=list)
    """In the order of `files`; empty where they were printed already."""
    identified: int = 0
    failed: int = 0
    skipped: int = 0
    """Files of folders that are no pictures."""
    interrupted: bool = False

    def count(self, one: "IdentifiedFile[Answer]") -> None:
        self.identified += one.answer is not None
        self.failed += one.answer is None

    def rows(self) -> list[dict[str, Any]]:
        return [row_of(one) for one in self.done]


def row_of(one: "IdentifiedFile[Answer]") -> dict[str, Any]:
    image = {"image": str(one.photograph.path)}
    if one.answer is None:
        return image | {"code": one.code, "detail": one.message}
    return image | one.answer.model_dump(mode="json")


def print_lines(
    files: "Sequence[Photograph]", identify: "Callable[[bytes], Answer]", *, parallel: int
) -> "Run[Answer]":
    """Prints a line for each as soon as it is done. No bar: it would be drawn across the lines."""
    from indexer.usecases.identify_files import identify_files

    run: Run[Answer] = Run(files=files)
    with closing(identify_files(files, identify, parallel=parallel)) as done:
        try:
            for one in done:
                typer.echo(json_line(row_of(one)))
                run.count(one)
        except KeyboardInterrupt:
            run.interrupted = True
    return run


def print_last_line(run: Run[Any]) -> None:
    counts = {"photographs": run.identified + run.failed, "failed": run.failed, "skipped": run.skipped}
    typer.echo(json_line({"done": not run.interrupted} | counts))


def collect(
    files: "Sequence[Photograph]",
    identify: "Callable[[bytes], Answer]",
    *,
    parallel: int,
    alone: bool,
    doing: str = "Identifying",
) -> "Run[Answer]":
    """`alone`: one photograph was given, whose error is the command's. Raises that, too."""
    from indexer.usecases.identify_files import identify_files

    run: Run[Answer] = Run(files=files)
    with closing(identify_files(files, identify, parallel=parallel)) as done, progress_bar("images") as bar:
        task = bar.add_task(doing, total=len(files), visible=not alone)
        try:
            for one in done:
                if alone and one.error is not None:
                    raise one.error
                run.done.append(one)
                run.count(one)
                if not alone:
                    bar.advance(task)
        except KeyboardInterrupt:
            run.interrupted = True
    places = {photograph.path: place for place, photograph in enumerate(files)}
    run.done.sort(key=lambda one: places[one.photograph.path])
    return run


def print_table(run: "Run[Identified]", *, several: bool, metadata: bool) -> None:
    """`several`: galleries."""
    from indexer.usecases.answers.identify_in_several import IdentifyInSeveralAnswer

    table = empty_table(several=several, metadata=metadata)
    for one in run.done[:LISTED]:
        if one.answer is None:
            table.add_row(escape_text(one.photograph.shown), "", "", f"[red]{escape_text(one.message)}[/]")
        else:
            add_rows(table, one.photograph.shown, one.answer, metadata=metadata)
    out.print(table)
    for one in run.done[:LISTED]:
        faces: Sequence[DetectedFace] = [] if one.answer is None else one.answer.faces
        shown = one.photograph.shown
        print_attributes((f"{shown}, face {n}", face.attributes) for n, face in enumerate(faces, start=1))
    if len(run.done) > LISTED:
        more = quantity(len(run.done) - LISTED, "photograph")
        out.print(f"... and {more} more; `--json FILE.json` lists all", highlight=False)
    last = next((one.answer for one in reversed(run.done) if one.answer is not None), None)
    if isinstance(last, IdentifyInSeveralAnswer):
        for gallery in last.galleries:
            out.print(f"{gallery.gallery}: {summary(gallery)}", soft_wrap=True)
    elif last is not None:
        out.print(summary(last), soft_wrap=True)
    if len(run.files) > 1 or run.skipped:
        out.print(
            f"{quantity(run.identified, 'photograph')} searched, {run.failed:,} failed; {run.skipped:,} other"
            f" {'file' if run.skipped == 1 else 'files'} skipped.",
            soft_wrap=True,
        )
    if run.interrupted:
        left = quantity(len(run.files) - len(run.done), "photograph")
        console.print(f"[yellow]Interrupted[/] with {left} left.")
