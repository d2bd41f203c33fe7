"""`gemel reindex start`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.database import open_index_store
from indexer.cli.output import STDOUT, console, print_result, write_json
from indexer.cli.reindex import monitor, tables
from indexer.cli.reindex.selection import status_of, verdicts_of
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.embedding.card import ModelCard
    from indexer.records.tables import Gallery
    from indexer.replica.store import IndexStore


def start(
    to: Annotated[
        str,
        typer.Option(help="A published model (`gemel models`), safetensors:PATH, onnx:PATH or fused:PATH."),
    ],
    gallery: Annotated[
        str | None,
        typer.Option("--gallery", "-g", help="By default every gallery with another model and no open job."),
    ] = None,
    gate: Annotated[
        list[str] | None,
        typer.Option(
            help="An acceptance criterion for the new model, such as rank1>=0.95. May be repeated."
            " By default fnir@0.01<=old and skipped<=0."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, start nothing.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Do the work in this process, up to the comparison.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start even if the plan finds too little room.")
    ] = False,
    json: Json = None,
) -> None:
    """Start a re-index. Workers (`gemel worker`) do the work; with --wait this command does.

    Example: `gemel reindex start --to dlib-resnet --gallery staff --wait`
    """
    from indexer.embedding import catalog
    from indexer.reindex import control
    from indexer.reindex import plan as planning
    from indexer.reindex.comparison import acceptance
    from indexer.usecases.bootstrap import open_pipeline_factory

    settings = Settings()
    gates = gate or list(acceptance.DEFAULT)
    acceptance.check(gates)
    card = catalog.named(to, mirror=settings.mirror)
    with open_index_store(settings) as index_store, open_pipeline_factory(settings) as factory:
        galleries = _galleries(index_store, gallery, card)
        pipeline = factory.pipeline(card)
        plans = [planning.make(settings, index_store, one, pipeline) for one in galleries]
        shortages = planning.shortages(plans)
        if dry_run:
            print_result([asdict(plan) for plan in plans], json, lambda: tables.print_plans(plans, shortages))
            return
        if not force:
            planning.check_room(plans)
        jobs = [
            control.start(index_store.database, index_store.models, one, card, plan, gates=gates, force=True)
            for one, plan in zip(galleries, plans, strict=True)
        ]
        if json != STDOUT:
            tables.print_plans(plans, shortages)
        if wait and jobs:
            monitor.work_and_watch(
                index_store, factory, jobs, least_sharded_faces=settings.least_sharded_faces
            )
        started = [status_of(index_store, job) for job in jobs]
        verdicts = verdicts_of(index_store, started)
    if json != STDOUT and started:
        tables.print_jobs(started)
        tables.print_next_steps(started, verdicts)
    if json is not None:
        write_json(tables.as_json(started), json)
    if any(job.problem for job in started):
        raise SystemExit(1)


def _galleries(index_store: "IndexStore", name: str | None, card: "ModelCard") -> "list[Gallery]":
    """The named gallery, or every gallery that can be re-indexed, with a line about each that cannot.

    Raises ReindexExists, InvalidRequest and ModelNotCalibrated for the named one.
    """
    from indexer.errors import InvalidRequest, ReindexExists
    from indexer.records import galleries
    from indexer.reindex import control

    with index_store.database.reading() as session:
        every = [galleries.get(session, name)] if name else galleries.list_all(session)
    chosen = []
    for gallery in every:
        try:
            control.check_startable(index_store.database, index_store.models, gallery, card)
            chosen.append(gallery)
        except (InvalidRequest, ReindexExists) as error:
            if name:
                raise
            console.print(f"Skipped: {error}", highlight=False, markup=False, soft_wrap=True)
    if not chosen:
        console.print("There is no gallery to re-index.")
    return chosen
