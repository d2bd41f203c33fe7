"""`gemel gallery list|show|create|check|delete`; `policy` has `gemel gallery set`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.commands import Commands, Json, Yes, confirm
from indexer.cli.database import open_index_store
from indexer.cli.gallery.tables import as_row, print_gallery, print_list, print_odd
from indexer.cli.output import out, print_result, quantity
from indexer.cli.recognition.options import parse_attributes
from indexer.settings import Settings
from indexer.types import Attribute, DuplicateCheck, LivenessPolicy, PersonScore

if TYPE_CHECKING:
    pass

app = Commands("List, show, create, set, check and delete galleries.")

LOOKS_ALIKE = (
    "a face that looks like another person of the gallery: nothing, warn, add a review, or reject it"
)


PRINTS_AND_SCREENS = (
    "prints and screens that show a person: nothing, say so in the answers, or match nobody and enrol nobody"
)


def permitted_attributes(value: str) -> list[Attribute] | None:
    """Of a gallery's policy. Raises typer.BadParameter."""
    if value == "any":
        return None
    return [] if value == "none" else parse_attributes(value)


Name = Annotated[str, typer.Argument(help="The gallery's name: 1 to 63 letters, digits, '.', '_' or '-'.")]


@app.command("list")
def list_all(json: Json = None) -> None:
    """List all galleries with their numbers of people and faces.

    Example: `gemel gallery list`
    """
    from indexer.records import galleries, models

    with open_index_store(Settings()) as index_store, index_store.database.reading() as session:
        every = galleries.list_all(session)
        people = galleries.count_identities(session, [gallery.id for gallery in every])
        known = models.list_all(session)
    rows = [as_row(gallery, people[gallery.id], known) for gallery in every]
    print_result({"galleries": rows}, json, lambda: print_list(rows))


@app.command()
def show(name: Name, json: Json = None) -> None:
    """Show a gallery: its people, its threshold, and whether its false positive rate is kept.

    Example: `gemel gallery show staff`
    """
    from indexer.calibration import policy
    from indexer.calibration.resolver import CalibrationResolver
    from indexer.duplicates import threshold as duplicate_threshold
    from indexer.records import galleries, models, search_counts
    from indexer.usecases.answers.fpir_check import FpirCheck
    from indexer.usecases.answers.threshold import Threshold

    settings = Settings()
    with open_index_store(settings) as index_store:
        with index_store.database.reading() as session:
            gallery = galleries.get(session, name)
            people = galleries.count_identities(session, [gallery.id])[gallery.id]
            row = as_row(gallery, people, models.list_all(session))
            counts = search_counts.recent(session, gallery.id, search_counts.basis_of(gallery))
        resolver = CalibrationResolver(index_store.database, index_store.models, settings.identify_fpir)
        status = policy.status(index_store.models, resolver, gallery)
        check = None
        if status is not None and gallery.duplicate_check != DuplicateCheck.OFF:
            card = index_store.models.for_gallery(gallery)
            check = duplicate_threshold.decide(resolver, gallery, card, gallery.face_count)
    result = row | {
        "duplicate_threshold": check and {"threshold": check.threshold, "fpir": check.target},
        "threshold": status and Threshold.fields_of(status.decision),
        "supported_up_to_faces": status and status.most_faces,
        "fpir_check": FpirCheck.of(counts).model_dump(),
    }
    print_result(result, json, lambda: print_gallery(result))


@app.command()
def create(
    name: Name,
    store_crops: Annotated[
        bool, typer.Option(help="Store a crop of each face: a change of the model then needs no photographs.")
    ] = True,
    keep_probes: Annotated[
        bool, typer.Option(help="Keep a crop of each identified face beside the audit record.")
    ] = False,
    person_score: Annotated[
        PersonScore, typer.Option(help="Score of a person with several faces.")
    ] = PersonScore.FUSED,
    duplicate_check: Annotated[
        DuplicateCheck, typer.Option(help=f"What an enrolment does with {LOOKS_ALIKE}.")
    ] = DuplicateCheck.OFF,
    remember_unknown: Annotated[
        bool, typer.Option("--remember-unknown", help="Remember faces that match nobody as unknown visitors.")
    ] = False,
    attributes: Annotated[
        str,
        typer.Option(
            metavar="NAME,...",
            help="Attributes that requests may ask for, among those that the installation permits; `none`, or"
            " `any`: all of those.",
        ),
    ] = "any",
    liveness: Annotated[
        LivenessPolicy, typer.Option(help=f"What to do about {PRINTS_AND_SCREENS}.")
    ] = LivenessPolicy.OFF,
    json: Json = None,
) -> None:
    """Create an empty gallery.

    Example: `gemel gallery create staff`
    """
    from indexer.records import galleries
    from indexer.usecases import liveness as liveness_policy
    from indexer.usecases.bootstrap import attribute_reader

    settings = Settings()
    liveness_policy.check(attribute_reader(settings), liveness)
    with open_index_store(settings) as index_store, index_store.database.transaction() as session:
        gallery = galleries.create(
            session,
            name,
            store_crops=store_crops,
            keep_probes=keep_probes,
            person_score=person_score,
            duplicate_check=duplicate_check,
            remember_unknown=remember_unknown,
            attributes=permitted_attributes(attributes),
            liveness=liveness,
        )
    print_result(as_row(gallery, 0, {}), json, lambda: out.print(f"Created gallery {name}.", highlight=False))


@app.command()
def check(name: Name, json: Json = None) -> None:
    """List faces that do not resemble the other faces of their person: mislabelled photographs, most likely.

    Example: `gemel gallery check staff`
    """
    from indexer.records import galleries
    from indexer.usecases import odd_faces

    with open_index_store(Settings()) as index_store:
        with index_store.database.reading() as session:
            gallery = galleries.get(session, name)
        found = []
        if gallery.model_id is not None:
            card = index_store.models.for_gallery(gallery)
            found = odd_faces.of_gallery(index_store.database, gallery, card)
    rows = [
        {"identity_id": odd.identity_id, "external_id": odd.external_id, "name": odd.name} | asdict(odd.face)
        for odd in found
    ]
    print_result({"gallery": name, "odd_faces": rows}, json, lambda: print_odd(name, rows))


@app.command()
def delete(name: Name, yes: Yes = False, json: Json = None) -> None:
    """Delete a gallery with all its people. Only a backup of the database can restore it.

    Example: `gemel gallery delete staff`
    """
    from indexer.records import galleries

    with open_index_store(Settings()) as index_store:
        with index_store.database.reading() as session:
            gallery = galleries.get(session, name)
            people = galleries.count_identities(session, [gallery.id])[gallery.id]
        content = f"{quantity(people, 'person', 'people')} and {quantity(gallery.face_count, 'face')}"
        if not yes:
            confirm(f"Delete gallery {name} with {content}?")
        with index_store.database.transaction() as session:
            galleries.lock(session, gallery.id)
            galleries.remove(session, gallery.id)
        index_store.discard(gallery.id)
    sentence = f"Deleted gallery {name} with {content}."
    result = {"deleted": name, "identities": people, "faces": gallery.face_count}
    print_result(result, json, lambda: out.print(sentence, highlight=False))
