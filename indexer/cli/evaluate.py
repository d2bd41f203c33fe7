"""`gemel evaluate ...`: measures the model in force on labelled photographs. Needs no database.

The engine is imported inside the commands: see `people`."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from indexer.cli.output import console, out, print_json
from indexer.errors import Misconfigured
from indexer.evaluation import identification, lfw, plot, verification
from indexer.evaluation.embeddings import embed_files
from indexer.evaluation.identification import IdentificationResult
from indexer.evaluation.verification import VerificationResult
from indexer.settings import Settings

app = typer.Typer(
    help="Measure the model in force on labelled photographs, through the camera that serves.",
    no_args_is_help=True,
)

STDOUT = Path("-")


def _writable(path: Path | None) -> Path | None:
    """Minutes of work go before the writing, so that a wrong folder is told at once."""
    if path is not None and path != STDOUT and not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"the folder {path.absolute().parent} does not exist")
    return path


def _drawable(path: Path | None) -> Path | None:
    if path is not None:
        try:
            plot.require_matplotlib()
        except Misconfigured as error:
            raise typer.BadParameter(error.message) from None
    return _writable(path)


DataOption = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="LFW's folder: NAME/NAME_0001.jpg, pairs.txt.")
]
JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        allow_dash=True,
        dir_okay=False,
        callback=_writable,
        help="Write the result as JSON; - for stdout, which then carries nothing else.",
    ),
]


PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE.png",
        dir_okay=False,
        callback=_drawable,
        help="Draw the error tradeoff; needs the extra `report`.",
    ),
]


@app.command("lfw")
def lfw_pairs(data: DataOption, json_file: JsonOption = None, plot_file: PlotOption = None) -> None:
    """Verification, one to one: LFW's 6,000 pairs in ten folds.

    Example: `gemel evaluate lfw --data lfw --json lfw.json --plot roc.png`
    """
    from indexer.recognition.assembly import open_camera

    pairs = lfw.read_pairs(data)
    files = sorted({image for pair in pairs for image in (pair.first, pair.second)})
    start = time.perf_counter()
    with open_camera(Settings()) as camera, _progress(len(files)) as progress:
        embeddings = embed_files(camera, files, progress)
        model = camera.embedder.card.fingerprint
    trials = verification.compare(embeddings, pairs)
    result = verification.measure(
        trials, undetected=embeddings.undetected, seconds=time.perf_counter() - start, model=model
    )
    _tell(result, _verification_table(result), json_file)
    if plot_file:
        plot.draw_roc(verification.roc(trials), result, plot_file)


@app.command()
def openset(data: DataOption, json_file: JsonOption = None, plot_file: PlotOption = None) -> None:
    """Identification, one to many: enrols who has several images, searches for everyone.

    Example: `gemel evaluate openset --data lfw --json openset.json --plot det.png`
    """
    from indexer.recognition.assembly import open_camera

    open_set = identification.split(lfw.read_people(data))
    files = sorted({*open_set.gallery, *open_set.mated, *open_set.nonmated})
    start = time.perf_counter()
    with open_camera(Settings()) as camera, _progress(len(files)) as progress:
        embeddings = embed_files(camera, files, progress)
        model = camera.embedder.card.fingerprint
    searches = identification.search(embeddings, open_set)
    result = identification.measure(
        searches,
        gallery=len(open_set.gallery),
        undetected=embeddings.undetected,
        seconds=time.perf_counter() - start,
        model=model,
    )
    _tell(result, _identification_table(result), json_file)
    if plot_file:
        plot.draw_det(identification.det(searches), result, plot_file)


def _tell(result: VerificationResult | IdentificationResult, table: Table, json_file: Path | None) -> None:
    (console if json_file == STDOUT else out).print(table)
    if json_file == STDOUT:
        print_json(asdict(result))
    elif json_file:
        json_file.write_text(json.dumps(asdict(result), indent=2) + "\n", "utf-8")


def _verification_table(result: VerificationResult) -> Table:
    table = _table("Verification (1:1)", result)
    table.add_row("pairs", f"{result.pairs:,}")
    table.add_row("accuracy", f"{result.accuracy:.2%} ± {result.accuracy_se:.2%}")
    for far, tar in result.tar_at_far.items():
        table.add_row(f"TAR at FAR {float(far):.1%}", f"{tar:.2%}")
    table.add_row("equal error rate", f"{result.eer:.2%}")
    return table


def _identification_table(result: IdentificationResult) -> Table:
    table = _table("Open-set identification (1:N)", result)
    table.add_row("people enrolled", f"{result.gallery:,}")
    table.add_row("mated / non-mated probes", f"{result.mated:,} / {result.nonmated:,}")
    table.add_row("rank-1", f"{result.rank1:.2%}")
    for fpir, fnir in result.fnir_at_fpir.items():
        threshold = result.threshold_at_fpir[fpir]
        table.add_row(f"FNIR at FPIR {float(fpir):.1%}", f"{fnir:.2%}  (threshold {threshold:.3f})")
    return table


def _table(title: str, result: VerificationResult | IdentificationResult) -> Table:
    table = Table(title=title, caption=f"{result.model}, {result.seconds:.0f} s", show_header=False)
    table.add_row("images without a face found", f"{result.undetected:,}")
    return table


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f} images/s" if task.speed else "")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """On stderr, so that stdout carries results only."""
    columns = (BarColumn(), MofNCompleteColumn(), _RateColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("embedding", total=total)
        yield lambda done: bar.update(task, completed=done)
