"""`gemel calibrate`: measure impostor scores, so that thresholds follow from a false positive rate."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from indexer.cli.calibration_table import print_summary, rows
from indexer.cli.commands import Json, html_file
from indexer.cli.database import open_index_store
from indexer.cli.output import print_result, write_atomically
from indexer.cli.progress import progress_bar
from indexer.errors import Misconfigured
from indexer.settings import Settings
from indexer.types import PersonScore

if TYPE_CHECKING:
    from indexer.calibration.fitting.measure import Measurement
    from indexer.records.calibrations import Source
    from indexer.replica.store import IndexStore


def _plottable(path: Path | None) -> Path | None:
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
        str | None, typer.Option("--gallery", "-g", help="Calibrate this gallery on its own people.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="Calibrate the model on photographs: a folder with one folder for each person.",
        ),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Calibrate the model on scores of pairs: a CSV with the columns score and same.",
        ),
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(
            min=1e-9,
            max=0.5,
            help="Target FPIR, the false positive rate of a search. With --gallery it becomes the policy.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure and show, but store nothing.")] = False,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            dir_okay=False,
            callback=_plottable,
            help="Plot FPIR over score, and the threshold over the gallery's size.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        html_file("Write a page with table and plots.", _plottable),
    ] = None,
    json: Json = None,
) -> None:
    """Measure impostor scores, so that thresholds keep a false positive rate as a gallery grows.

    Example: `gemel calibrate --gallery staff --fpir 0.001`
    """
    if sum(source is not None for source in (gallery, data, scores)) != 1:
        raise typer.BadParameter("give one of --gallery, --data and --scores")
    settings = Settings()
    with open_index_store(settings) as index_store:
        if gallery is not None:
            measurement, summary = _calibrate_gallery(index_store, gallery, fpir, settings, dry_run)
        else:
            measurement, summary = _calibrate_model(index_store, data, scores, fpir, settings, dry_run)
    summary["table"] = rows(measurement.curve, summary)
    if plot is not None:
        from indexer.calibration.fitting.plot import draw

        draw(measurement.curve, summary["fpir"], summary["faces"], plot)
    if html is not None:
        from indexer.calibration.fitting.page import render

        write_atomically(html, render(measurement, summary))
    result = summary | {
        "suspects": [asdict(suspect) for suspect in measurement.suspects],
        "calibration": measurement.curve.to_json(),
    }
    print_result(result, json, lambda: print_summary(measurement, summary))


def _calibrate_gallery(
    index_store: "IndexStore", name: str, fpir: float | None, settings: Settings, dry_run: bool
) -> "tuple[Measurement, dict[str, Any]]":
    from indexer.calibration import policy
    from indexer.calibration.active import ActiveCalibration
    from indexer.calibration.fitting.disputed import disputed_matches
    from indexer.calibration.fitting.measure import on_gallery
    from indexer.calibration.resolver import CalibrationResolver
    from indexer.errors import CalibrationUnsupported
    from indexer.records import galleries

    with index_store.database.reading() as session:
        gallery = galleries.get(session, name)
    if gallery.model_id is None:
        raise CalibrationUnsupported(f"nobody is enrolled in {name!r} yet", measured=0)
    card = index_store.models.for_gallery(gallery)
    score = PersonScore(gallery.person_score)
    measurement = on_gallery(index_store.database, gallery.id, gallery.model_id, card, score)
    if fpir is not None:  # checked before anything is stored: a rejected policy changes nothing
        calibration = ActiveCalibration(curve=measurement.curve, kind="gallery", id=None)
        policy.check_supported(calibration, fpir, gallery.face_count)
    stored = None
    if not dry_run:
        stored = _store(index_store, gallery.id, gallery.model_id, "gallery", measurement, score)
        if fpir is not None:
            resolver = CalibrationResolver(index_store.database, index_store.models, settings.identify_fpir)
            policy.update(index_store.database, index_store.models, resolver, name, {"identify_fpir": fpir})
    target = fpir or gallery.identify_fpir or settings.identify_fpir
    threshold = measurement.curve.threshold(target, gallery.face_count)
    disputed = disputed_matches(index_store.database, gallery.id, card.fingerprint, threshold)
    return measurement, {
        "gallery": name,
        "model": card.fingerprint,
        "source": "gallery",
        "faces": gallery.face_count,
        "fpir": target,
        "stored": stored,
        "disputed": asdict(disputed) | {"still_matched": disputed.still_matched},
    }


def _calibrate_model(
    index_store: "IndexStore",
    data: Path | None,
    scores: Path | None,
    fpir: float | None,
    settings: Settings,
    dry_run: bool,
) -> "tuple[Measurement, dict[str, Any]]":
    from indexer.calibration.fitting.fit import check_people
    from indexer.calibration.fitting.measure import on_pairs, on_photographs
    from indexer.pipeline.people_folder import people_in
    from indexer.usecases.bootstrap import open_pipeline

    source: Source = "pairs" if data is None else "photographs"
    if data is not None:
        people = people_in(data)
        check_people(len(people))  # before the network is loaded
        with open_pipeline(settings) as pipeline, progress_bar() as bar:
            task = bar.add_task("Embedding", total=len(people))
            measurement = on_photographs(pipeline, people, lambda done: bar.update(task, completed=done))
    else:
        assert scores is not None
        measurement = on_pairs(scores)
    card = index_store.models.default
    stored = None
    if not dry_run:
        stored = _store(index_store, None, index_store.models.number_of(card), source, measurement)
    return measurement, {
        "gallery": None,
        "model": card.fingerprint,
        "source": source,
        "faces": None,
        "fpir": fpir or settings.identify_fpir,
        "stored": stored,
    }


def _store(
    index_store: "IndexStore",
    gallery_id: UUID | None,
    model_id: int,
    source: "Source",
    measurement: "Measurement",
    person_score: PersonScore = PersonScore.NEAREST,
) -> str:
    """The id of the calibration."""
    from indexer.records import calibrations

    with index_store.database.transaction() as session:
        row = calibrations.add(
            session,
            gallery_id=gallery_id,
            model_id=model_id,
            source=source,
            parameters=measurement.curve.to_json(),
            person_score=person_score,
        )
        return str(row.id)
