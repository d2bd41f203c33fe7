"""`gemel gallery set`: a gallery's policy."""

from typing import Annotated, Any

import typer

from indexer.cli.commands import Json
from indexer.cli.database import open_index_store
from indexer.cli.gallery.commands import LOOKS_ALIKE, PRINTS_AND_SCREENS, Name, app, permitted_attributes
from indexer.cli.gallery.tables import as_row, print_policy
from indexer.cli.output import print_result
from indexer.cli.progress import progress_bar
from indexer.settings import Settings
from indexer.types import DuplicateCheck, LivenessPolicy, PersonScore


@app.command("set")
def set_policy(
    name: Name,
    person_score: Annotated[
        PersonScore | None,
        typer.Option(
            help="Score of a person with several faces: that of the nearest face, or fused with that of the"
            " person template, the mean of the faces.",
            show_default=False,
        ),
    ] = None,
    duplicate_check: Annotated[
        DuplicateCheck | None,
        typer.Option(help=f"What an enrolment does with {LOOKS_ALIKE}."),
    ] = None,
    duplicate_fpir: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=0.999999,
            help="Share of new people's faces that the duplicate check may take for somebody enrolled; 0: a"
            " tenth of the FPIR of identification.",
        ),
    ] = None,
    keep_probes: Annotated[
        bool | None,
        typer.Option(
            "--keep-probes/--no-keep-probes",
            help="Keep a crop of each identified face beside the audit record.",
            show_default=False,
        ),
    ] = None,
    remember_unknown: Annotated[
        bool | None,
        typer.Option(
            "--remember-unknown/--no-remember-unknown",
            help="Remember faces that match nobody as unknown visitors.",
            show_default=False,
        ),
    ] = None,
    min_visitor_quality: Annotated[
        float | None,
        typer.Option(
            min=0, max=100, help="Least quality of a remembered face; 0: the limits of enrolment alone."
        ),
    ] = None,
    visitor_lifetime_hours: Annotated[
        float | None,
        typer.Option(min=0.01, max=876_000, help="Forget a visitor who was not seen for so many hours."),
    ] = None,
    max_visitors: Annotated[
        int | None, typer.Option(min=1, max=10_000_000, help="Most visitors to remember.")
    ] = None,
    max_visitor_faces: Annotated[
        int | None, typer.Option(min=1, max=100, help="Most faces to remember of one visitor.")
    ] = None,
    attributes: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Attributes that requests may ask for, among those that the installation permits; `none`, or"
            " `any`: all of those.",
        ),
    ] = None,
    liveness: Annotated[
        LivenessPolicy | None, typer.Option(help=f"What to do about {PRINTS_AND_SCREENS}.")
    ] = None,
    json: Json = None,
) -> None:
    """Set a gallery's policy: the score of a person, its duplicate check, whether it keeps probes, whether
    and how it remembers unknown visitors, the attributes that it permits, and what it does about prints and
    screens.

    After an interruption, run it again.

    Example: `gemel gallery set staff --duplicate-check reject`
    """
    from indexer.calibration import policy
    from indexer.calibration.resolver import CalibrationResolver
    from indexer.records import galleries, models
    from indexer.usecases import liveness as liveness_policy
    from indexer.usecases.bootstrap import attribute_reader
    from indexer.usecases.person_score import change

    given = {
        "remember_unknown": remember_unknown,
        "visitor_lifetime_hours": visitor_lifetime_hours,
        "max_visitors": max_visitors,
        "max_visitor_faces": max_visitor_faces,
    }
    changes: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    if liveness is not None:
        changes["liveness"] = liveness
    if attributes is not None:
        changes["attributes"] = permitted_attributes(attributes)
    if min_visitor_quality is not None:
        changes["min_visitor_quality"] = min_visitor_quality or None
    if duplicate_check is not None:
        changes["duplicate_check"] = duplicate_check
    if duplicate_fpir is not None:
        changes["duplicate_fpir"] = duplicate_fpir or None
    if keep_probes is not None:
        changes["keep_probes"] = keep_probes
    if not changes and person_score is None:
        raise typer.BadParameter("name a policy to set: `gemel gallery set --help` lists them")
    settings = Settings()
    if liveness is not None:
        liveness_policy.check(attribute_reader(settings), liveness)
    with open_index_store(settings) as index_store:
        database = index_store.database
        if changes:
            resolver = CalibrationResolver(database, index_store.models, settings.identify_fpir)
            gallery = policy.update(database, index_store.models, resolver, name, changes)
        if person_score is not None:
            with progress_bar("people") as bar:
                task = bar.add_task(name, total=None)
                gallery = change(
                    database, name, person_score, progress=lambda done: bar.update(task, completed=done)
                )
        with database.reading() as session:
            people = galleries.count_identities(session, [gallery.id])[gallery.id]
            known = models.list_all(session)
    print_result(as_row(gallery, people, known), json, lambda: print_policy(gallery))
