"""Groups a folder of photographs, and prints the groups."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import Progress, TaskID
from rich.table import Column, Table

from indexer.cli.output import console, escape_text, out, print_result, quantity, write_atomically
from indexer.cli.progress import progress_bar
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.usecases.folder_groups.group import FolderGroups, PlacedFace

LISTED = 20
"""Most groups or files that the terminal shows. JSON has all."""
NAMED = 3
"""Photographs of a group that the table names."""
INTERRUPTED = 130
"""Exit status of an interrupted command: 128 + SIGINT."""
ALONE = "alone"
"""Why a face is in no group: it resembles no other."""


def run(
    directory: Path,
    threshold: float | None,
    fpir: float,
    model: str | None,
    state: Path | None,
    html: Path | None,
    json: Path | None,
) -> None:
    """Raises typer.BadParameter, and what `cluster_folder` raises."""
    from indexer.calibration.threshold.card_curve import for_fpir
    from indexer.pipeline.models import check_calibrated
    from indexer.usecases.bootstrap import open_pipelines
    from indexer.usecases.cluster_folder import cluster_folder
    from indexer.usecases.enrolment.quality_gate import QualityGate
    from indexer.usecases.folder_groups import page
    from indexer.usecases.folder_groups.photographs import FaceReader

    settings = Settings()
    with open_pipelines(settings, [model or settings.model]) as [pipeline], progress_bar("images") as bar:
        card = pipeline.card
        if threshold is None:
            check_calibrated(card)
        reader = FaceReader(pipeline=pipeline, gate=QualityGate.of(settings), threads=settings.threads)
        found = cluster_folder(
            reader,
            directory,
            lambda faces: for_fpir(card, fpir, faces) if threshold is None else threshold,
            state_file=state,
            progress=_bars(bar),
        )
        if html is not None:
            task = bar.add_task("Drawing", total=1)
            drawn = page.render(found, directory, pipeline, threads=settings.threads)
            write_atomically(html, drawn, private=True)
            bar.advance(task)
    value = _as_json(found, card.fingerprint, fpir if threshold is None else None)
    print_result(value, json, lambda: _print(found, state))
    if found.interrupted:
        raise SystemExit(INTERRUPTED)


def _bars(bar: Progress) -> Callable[[str, int, int], object]:
    """One bar for each thing that is done, from its first progress on."""
    tasks: dict[str, TaskID] = {}

    def advance(doing: str, more: int, total: int) -> None:
        if doing not in tasks:
            tasks[doing] = bar.add_task(doing, total=total)
        bar.advance(tasks[doing], more)

    return advance


def _as_json(found: "FolderGroups", model: str, fpir: float | None) -> dict[str, Any]:
    return {
        "model": model,
        "threshold": found.threshold,
        "fpir": fpir,
        "interrupted": found.interrupted,
        "photographs": len(found.photographs),
        "new_photographs": found.new_photographs,
        "not_reached": found.left,
        "without_face": found.without_face,
        "faces": len(found.faces),
        "groups": [
            {"id": group.id, "faces": [_face(placed) for placed in group.faces]} for group in found.groups
        ],
        "unassigned": [
            *(_face(placed) | {"reason": ALONE} for placed in found.alone),
            *(_face(placed) | {"reason": placed.face.code} for placed in found.poor),
        ],
        "unreadable": [
            {"file": photograph.file, "code": photograph.code, "message": photograph.message}
            for photograph in found.unreadable
        ],
        "skipped": [
            {"file": str(file.path), "code": file.code, "message": file.message} for file in found.skipped
        ],
    }


def _face(placed: "PlacedFace") -> dict[str, Any]:
    from indexer.usecases.answers.faces import Box

    return {"file": placed.file, "box": Box.of(placed.face.box).model_dump()}


def _print(found: "FolderGroups", state: Path | None) -> None:
    if found.interrupted:
        again = " Run the command again to continue." if state is not None else ""
        console.print(f"[yellow]Interrupted[/] with {quantity(found.left, 'photograph')} left.{again}")
    in_groups = sum(group.size for group in found.groups)
    out.print(
        f"{quantity(len(found.faces), 'face')} in {quantity(len(found.photographs), 'photograph')}:"
        f" {quantity(len(found.groups), 'group')} with {quantity(in_groups, 'face')},"
        f" {len(found.alone):,} alone, {len(found.poor):,} too small or too poor;"
        f" {len(found.unreadable):,} unreadable, {len(found.skipped):,} skipped,"
        f" {found.without_face:,} without a face.",
        soft_wrap=True,
    )
    if found.groups:
        out.print(_table(found))
    if len(found.groups) > LISTED:
        _print_more(len(found.groups) - LISTED, "group")
    _print_files(found)


def _table(found: "FolderGroups") -> Table:
    table = Table(
        Column("Group", justify="right"),
        Column("Faces", justify="right"),
        Column("Photographs", overflow="fold"),
        title=f"Groups, by a mean similarity of {found.threshold:.3f}",
    )
    for group in found.groups[:LISTED]:
        names = ", ".join(escape_text(file) for file in group.files[:NAMED])
        more = len(group.files) - NAMED
        table.add_row(str(group.id), f"{group.size:,}", names + (f", and {more:,} more" if more > 0 else ""))
    return table


def _print_files(found: "FolderGroups") -> None:
    unread = [(one.file, one.message or one.code) for one in found.unreadable]
    if not unread:
        return
    table = Table(Column("Unreadable", overflow="fold"), Column("Reason", overflow="fold"))
    for file, why in unread[:LISTED]:
        table.add_row(escape_text(file), escape_text(why))
    out.print(table)
    if len(unread) > LISTED:
        _print_more(len(unread) - LISTED, "file")


def _print_more(count: int, noun: str) -> None:
    out.print(
        f"... and {count:,} more {noun}{'' if count == 1 else 's'}; `--json FILE.json` lists all",
        highlight=False,
    )
