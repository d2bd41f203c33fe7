"""`gemel calibrate`: measure what scores mean, so that thresholds follow from a false alarm rate."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from indexer.cli.commands import Json
from indexer.cli.database import opened
from indexer.cli.output import console, give, out, shown, write_whole
from indexer.cli.progress import progress_bar
from indexer.errors import Misconfigured
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.calibration.fitting.measure import Measurement
    from indexer.calibration.measured_curve import MeasuredCurve
    from indexer.replica.store import IndexStore

SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
SHOWN = 10
"""Suspected pairs in a table; JSON has a hundred."""


def _drawable(path: Path | None) -> Path | None:
    from indexer.pages.plots import require_matplotlib

    if path is not None:
        if not path.absolute().parent.is_dir():
            raise typer.BadParameter(f"the folder {path.absolute().parent} does not exist")
        try:
            require_matplotlib()
        except Misconfigured as error:
            raise typer.BadParameter(error.message) from None
    return path


def calibrate(
    gallery: Annotated[
        str | None, typer.Option("--gallery", "-g", help="Measure on this gallery's own people, for it.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Photographs, a folder a person; for the model."),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="CSV with score,same; for the model.")
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(min=1e-9, max=0.5, help="Wanted false alarms a search; with --gallery: its policy."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure and show; store nothing.")] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            dir_okay=False,
            callback=_drawable,
            help="Draw it: the rates, where trust ends, the threshold as a gallery grows.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", dir_okay=False, callback=_drawable, help="The same as a page, with a table."
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Measure how strangers score, for thresholds that keep a false alarm rate as a gallery grows.

    Example: `gemel calibrate --gallery staff --fpir 0.001`
    """
    if sum(source is not None for source in (gallery, data, scores)) != 1:
        raise typer.BadParameter("one of --gallery, --data and --scores says what to measure on")
    settings = Settings()
    wanted = fpir or settings.identify_fpir
    with opened(settings) as index_store:
        summary: dict[str, Any] = {"gallery": gallery, "faces": None, "fpir": wanted, "stored": None}
        if gallery is not None:
            measured, summary = _of_gallery(index_store, gallery, fpir, settings, dry_run, summary)
        else:
            measured, summary = _of_model(index_store, data, scores, settings, dry_run, summary)
    summary["table"] = _rows(measured.curve, summary)
    if plot is not None:
        from indexer.calibration.fitting.plot import draw

        draw(measured.curve, summary["fpir"], summary["faces"], plot)
    if html is not None:
        from indexer.calibration.fitting.page import render

        write_whole(html, render(measured, summary))
    whole = summary | {
        "suspects": [asdict(suspect) for suspect in measured.suspects],
        "calibration": measured.curve.to_json(),
    }
    give(whole, json, lambda: _print(measured, summary))


def _of_gallery(
    index_store: "IndexStore",
    name: str,
    fpir: float | None,
    settings: Settings,
    dry_run: bool,
    summary: dict[str, Any],
) -> "tuple[Measurement, dict[str, Any]]":
    from indexer.calibration import policy
    from indexer.calibration.active import ActiveCalibration
    from indexer.calibration.fitting import measure as calibrating
    from indexer.calibration.resolver import CalibrationResolver
    from indexer.errors import CalibrationUnsupported
    from indexer.records import calibrations, galleries

    with index_store.database.reading() as session:
        found = galleries.get(session, name)
    if found.model_id is None:
        raise CalibrationUnsupported(f"nobody is enrolled in {name!r} yet", measured=0)
    card = index_store.models.for_gallery(found)
    wanted = fpir or found.identify_fpir or settings.identify_fpir
    measured = calibrating.on_gallery(index_store.database, found.id, found.model_id, card)
    summary |= {"model": card.fingerprint, "fpir": wanted, "faces": found.face_count, "source": "gallery"}
    if fpir is not None:  # before anything is stored: a policy that is refused changes nothing
        policy.check_supported(
            ActiveCalibration(curve=measured.curve, kind="gallery", id=None), fpir, found.face_count
        )
    if not dry_run:
        with index_store.database.transaction() as session:
            row = calibrations.add(
                session,
                gallery_id=found.id,
                model_id=found.model_id,
                source="gallery",
                parameters=measured.curve.to_json(),
            )
            summary["stored"] = str(row.id)
        if fpir is not None:
            resolver = CalibrationResolver(index_store.database, index_store.models, settings.identify_fpir)
            policy.update(index_store.database, index_store.models, resolver, name, {"identify_fpir": fpir})
    return measured, summary


def _of_model(
    index_store: "IndexStore",
    data: Path | None,
    scores: Path | None,
    settings: Settings,
    dry_run: bool,
    summary: dict[str, Any],
) -> "tuple[Measurement, dict[str, Any]]":
    from indexer.calibration.fitting import fit as fitting
    from indexer.calibration.fitting import measure as calibrating
    from indexer.pipeline.people_folder import people_in
    from indexer.records import calibrations
    from indexer.usecases.bootstrap import open_pipeline

    if data is not None:
        people = people_in(data)
        fitting.check_people(len(people))  # before the network is opened
        with open_pipeline(settings) as pipeline, progress_bar() as bar:
            task = bar.add_task("Embedding", total=len(people))
            measured = calibrating.on_photographs(
                pipeline, people, lambda done: bar.update(task, completed=done)
            )
    else:
        assert scores is not None
        measured = calibrating.on_pairs(scores)
    card = index_store.models.default
    summary |= {"model": card.fingerprint, "source": "photographs" if data else "pairs"}
    if not dry_run:
        number = index_store.models.number_of(card)
        with index_store.database.transaction() as session:
            row = calibrations.add(
                session,
                gallery_id=None,
                model_id=number,
                source="photographs" if data else "pairs",
                parameters=measured.curve.to_json(),
            )
            summary["stored"] = str(row.id)
    return measured, summary


def _rows(found: "MeasuredCurve", summary: dict[str, Any]) -> list[dict[str, Any]]:
    present = summary["faces"]
    sizes = sorted({*SIZES, present}) if present else SIZES
    rows = []
    for faces in sizes:
        threshold = found.threshold(summary["fpir"], faces)
        estimate = found.estimate(threshold, faces)
        rows.append(
            {
                "faces": faces,
                "threshold": round(threshold, 4),
                "fpir": estimate.fpir,
                "interval": estimate.interval,
                "supported": estimate.trusted,
                "least_supported_fpir": found.least_fpir(faces),
            }
        )
    return rows


def _print(measured: "Measurement", summary: dict[str, Any]) -> None:
    found = measured.curve
    on = f"{found.identities:,} people, " if found.identities else ""
    table = Table(
        "Faces",
        "Threshold",
        f"FPIR {summary['fpir']:g}: 95 %",
        "Supported",
        "Least FPIR",
        title=f"{summary['model']}, measured on {on}{found.comparisons:,} comparisons",
    )
    for row in summary["table"]:
        low, high = row["interval"]
        now = " (now)" if row["faces"] == summary["faces"] else ""
        least = row["least_supported_fpir"]
        table.add_row(
            f"{row['faces']:,}{now}",
            f"{row['threshold']:.3f}",
            f"{low:.2g} to {high:.2g}",
            "yes" if row["supported"] else "no",
            f"{least:.2g}" if least < 1 else "none",
        )
    out.print(table)
    out.print(f"FPIR {summary['fpir']:g} is supported up to {found.most_faces(summary['fpir']):,} faces.")
    if summary["source"] == "pairs":
        out.print("Pairs do not say whose they are: searches are taken for independent comparisons.")
    if measured.suspects:
        console.print(f"{len(measured.suspects)} pairs seem to be one person twice and were left out:")
        for suspect in measured.suspects[:SHOWN]:
            console.print(f"  {suspect.score:.3f}  {shown(suspect.one)}  {shown(suspect.other)}")
    if summary["stored"] is None:
        console.print("Nothing was stored.")
