"""`gemel reindex start`: what it would take, and the beginning."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.database import open_index_store
from indexer.cli.output import STDOUT, console, print_result, write_json
from indexer.cli.reindex import monitor as following
from indexer.cli.reindex import tables
from indexer.cli.reindex.selection import described, gates_of
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.embedding.card import ModelCard
    from indexer.records.tables import Gallery
    from indexer.replica.store import IndexStore


def start(
    to: Annotated[str, typer.Option(help="The model: sface, dlib-resnet, safetensors:PATH or onnx:PATH.")],
    gallery: Annotated[
        str | None,
        typer.Option("--gallery", "-g", help="By default all that have another model, and no open job."),
    ] = None,
    gate: Annotated[
        list[str] | None,
        typer.Option(
            help="What the new model must come up to, such as rank1>=0.95; may be given several times."
            " By default fnir@0.01<=old and skipped<=0."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would take.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Work on it here, until it is compared.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even where there seems to be too little room.")
    ] = False,
    json: Json = None,
) -> None:
    """Begin a re-index. Workers (`gemel worker`) do it; with --wait this command does.

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
        every = _to_be_brought(index_store, gallery, card)
        pipeline = factory.pipeline(card)
        plans = [planning.make(settings, index_store, one, pipeline) for one in every]
        shortages = planning.shortages(plans)
        if dry_run:
            print_result([asdict(plan) for plan in plans], json, lambda: tables.print_plans(plans, shortages))
            return
        if not force:
            planning.check_room(plans)
        jobs = [
            control.start(index_store.database, index_store.models, one, card, plan, gates=gates, force=True)
            for one, plan in zip(every, plans, strict=True)
        ]
        if json != STDOUT:
            tables.print_plans(plans, shortages)
        if wait and jobs:
            following.work(index_store, factory, jobs)
        begun = [described(index_store, job) for job in jobs]
        compared = gates_of(index_store, begun)
    if json != STDOUT and begun:
        tables.print_jobs(begun)
        tables.print_next(begun, compared)
    if json is not None:
        write_json(tables.as_json(begun), json)
    if any(job.problem for job in begun):
        raise SystemExit(1)


def _to_be_brought(index_store: "IndexStore", name: str | None, card: "ModelCard") -> "list[Gallery]":
    """To a model: the one that is named, or all that can be, with a line about each that cannot.

    Raises ReindexExists, InvalidRequest and ModelNotCalibrated for the one that is named.
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
            console.print(f"Left as it is: {error}", highlight=False, markup=False, soft_wrap=True)
    if not chosen:
        console.print("There is no gallery to bring to another model.")
    return chosen
