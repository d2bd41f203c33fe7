"""`gemel duplicates`: people of a gallery who may be enrolled twice."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from indexer.cli.commands import Gallery, Json, html_file
from indexer.cli.database import open_index_store
from indexer.cli.output import console, escape_text, out, print_result, quantity, write_atomically
from indexer.cli.progress import duration, progress_bar
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.duplicates.gallery_search import GalleryDuplicates, SimilarPeople
    from indexer.records.database.session import Database
    from indexer.records.enrolled.owners import Owner

LISTED = 20
"""Most groups that the terminal shows. JSON has all."""


def duplicates(
    gallery: Gallery,
    fpir: Annotated[
        float | None,
        typer.Option(
            min=1e-9,
            max=0.5,
            help="Share of the faces that may be taken for another person; sets the threshold.",
            show_default="the gallery's duplicate_fpir",
        ),
    ] = None,
    review: Annotated[
        bool, typer.Option("--review", help="Put the pairs into the gallery's reviews.")
    ] = False,
    html: Annotated[
        Path | None,
        html_file("Write a page with the faces of each pair side by side."),
    ] = None,
    json: Json = None,
) -> None:
    """Find people who may be enrolled twice: compare everybody of a gallery with everybody else.

    Example: `gemel duplicates --gallery staff --html duplicates.html`
    """
    from indexer.calibration.resolver import CalibrationResolver
    from indexer.duplicates import gallery_search, page
    from indexer.pages import html as pages
    from indexer.records import galleries
    from indexer.usecases.bootstrap.sharding import shards_of_command

    if html is not None:
        pages.require()
    settings = Settings()
    begun = time.monotonic()
    with open_index_store(settings) as index_store:
        resolver = CalibrationResolver(index_store.database, index_store.models, settings.identify_fpir)
        with index_store.database.reading() as session:
            row = galleries.get(session, gallery)
        with shards_of_command(settings, index_store.card) as shards, progress_bar("faces") as bar:
            task = bar.add_task(gallery, total=None)
            found = gallery_search.search(
                index_store,
                resolver,
                row,
                fpir=fpir,
                shards=shards,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        added = _add_reviews(index_store.database, found) if review else None
        if html is not None:
            write_atomically(html, page.render(index_store.database, found), private=True)
    seconds = time.monotonic() - begun
    print_result(_as_json(found, added, seconds), json, lambda: _print(found, added, seconds))
    if html is not None:
        console.print(f"Wrote {escape_text(html)}.", highlight=False, soft_wrap=True)


def _add_reviews(database: "Database", found: "GalleryDuplicates") -> int:
    from indexer.duplicates import gallery_search

    added = 0
    for portion in gallery_search.portions(found):
        with database.transaction() as session:
            added += gallery_search.add_reviews(session, found, portion)
    return added


def _as_json(found: "GalleryDuplicates", added: int | None, seconds: float) -> dict[str, Any]:
    decision = found.decision
    return {
        "gallery": found.gallery.name,
        "model": found.model,
        "people": found.people,
        "faces": found.faces,
        "threshold": decision and decision.threshold,
        "fpir": decision and decision.target,
        "fpir_trusted": decision and decision.estimate.trusted,
        "expected_false_pairs": round(found.expected_false_pairs, 4),
        "expected_false_pairs_interval": found.expected_interval,
        "pairs": len(found.pairs),
        "groups": [[_pair_as_json(pair) for pair in group] for group in found.groups],
        "reviews_added": added,
        "seconds": round(seconds, 3),
    }


def _pair_as_json(pair: "SimilarPeople") -> dict[str, Any]:
    return {"score": pair.score, "one": _owner_as_json(pair.one), "other": _owner_as_json(pair.other)}


def _owner_as_json(owner: "Owner") -> dict[str, Any]:
    return {
        "identity_id": owner.identity_id,
        "external_id": owner.external_id,
        "name": owner.name,
        "face_id": owner.face_id,
    }


def _print(found: "GalleryDuplicates", added: int | None, seconds: float) -> None:
    if found.decision is None:
        out.print(f"Nobody is enrolled in {found.gallery.name}.", highlight=False)
        return
    compared = f"{quantity(found.people, 'person', 'people')} with {quantity(found.faces, 'face')}"
    out.print(
        f"{found.gallery.name}: {compared} compared in {duration(seconds)};"
        f" {quantity(len(found.pairs), 'pair')} of people in {quantity(len(found.groups), 'group')}.",
        highlight=False,
        soft_wrap=True,
    )
    extrapolated = "" if found.decision.estimate.trusted else ", extrapolated beyond the measurement"
    out.print(
        f"Threshold {found.decision.threshold:.3f} for an FPIR of {found.decision.target:g}{extrapolated}."
        f" {found.expectation.capitalize()} pairs of different people are expected to reach it.",
        highlight=False,
        soft_wrap=True,
    )
    if found.groups:
        table = Table(
            Column("Group", justify="right"),
            Column("Enrolled first", overflow="fold"),
            Column("Enrolled later", overflow="fold"),
            Column("Score", justify="right"),
        )
        for number, group in enumerate(found.groups[:LISTED], start=1):
            for pair in group[:LISTED]:
                table.add_row(str(number), _name(pair.one), _name(pair.other), f"{pair.score:.3f}")
        out.print(table)
    if len(found.groups) > LISTED:
        more = quantity(len(found.groups) - LISTED, "group")
        out.print(f"... and {more} more; `--json` lists all", highlight=False)
    if added is not None:
        out.print(f"Added {quantity(added, 'review')}.", highlight=False)


def _name(owner: "Owner") -> str:
    return escape_text(owner.name or owner.external_id or owner.identity_id)
