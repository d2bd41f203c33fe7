"""`gemel index status|verify|rebuild|snapshot|prune`: the indexes on this machine's disk."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.progress import Progress, TaskID
from rich.table import Table

from indexer.cli.output import Json, console, out, print_json, progress_bar
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.recognition.indexing import Verification
    from indexer.recognition.opening import Opener
    from indexer.records.models import Gallery

app = typer.Typer(
    help="Indexes on this machine's disk: look, prove them equal to PostgreSQL, make them anew.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

One = Annotated[str | None, typer.Option("--gallery", "-g", help="Only this one; by default all.")]
NAMED = 20
"""Keys that a table shows of each kind; JSON has them all."""


@app.command()
def status(gallery: One = None, json: Json = False) -> None:
    """The generations of each gallery: tier, faces, last change, lag, agreement, digest.

    Example: `gemel index status`
    """
    from indexer.recognition import indexing

    rows: list[dict[str, Any]] = []
    with _opened(gallery) as (opener, every):
        for one in every:
            generations: list[indexing.Stored | None] = [*indexing.stored(opener, one)]
            for kept in generations or [None]:
                manifest = None if kept is None else kept.manifest
                row: dict[str, Any] = {
                    "gallery": one.name,
                    "faces": one.face_count,
                    "change_number": one.change_number,
                    "generation": None if kept is None else kept.name,
                    "problem": None if kept is None else kept.problem,
                }
                if manifest is not None:
                    agreement = manifest.agreement
                    row |= {
                        "tier": manifest.tier,
                        "wanted": manifest.wanted,
                        "refused": manifest.refused,
                        "agreement": None if agreement is None else agreement.overall,
                        "agreement_above_threshold": None if agreement is None else agreement.above_threshold,
                        "model": manifest.model,
                        "count": manifest.count,
                        "applied": manifest.applied,
                        "lag": one.change_number - manifest.applied,
                        "digest": manifest.digest,
                    }
                rows.append(row)
    if json:
        print_json(rows)
        return
    table = Table("Gallery", "Faces", "Generation", "Tier", "Count", "Lag", "Agreement", "Digest")
    for row in rows:
        agreed = row.get("agreement")
        table.add_row(
            row["gallery"],
            str(row["faces"]),
            escape(row["problem"] or row["generation"] or "none: read from PostgreSQL"),
            str(row.get("tier", "")) + (f" (not {row['wanted']})" if row.get("refused") else ""),
            str(row.get("count", "")),
            str(row.get("lag", "")),
            "" if agreed is None else f"{agreed:.4f}",
            row.get("digest", "")[:12],
        )
    out.print(table)


@app.command()
def verify(gallery: One = None, json: Json = False) -> None:
    """Compare each face with PostgreSQL, bit by bit; status 1 where anything differs.

    Example: `gemel index verify --gallery staff`
    """
    from indexer.recognition import indexing

    with _opened(gallery) as (opener, every):
        results = [(one.name, indexing.verify(opener, one)) for one in every]
    if json:
        print_json([_verified(name, result) for name, result in results])
    else:
        for name, result in results:
            _print_verified(name, result)
    if not all(result.clean for _, result in results):
        raise SystemExit(1)


@app.command()
def rebuild(gallery: One = None, json: Json = False) -> None:
    """Write new generations from PostgreSQL, trained and measured anew. Searches and enrolments go on.

    Example: `gemel index rebuild --gallery staff`
    """
    _write(gallery, json, due_only=False)


@app.command()
def snapshot(gallery: One = None, json: Json = False) -> None:
    """Write new generations where changes have come since the newest.

    Example: `gemel index snapshot`
    """
    _write(gallery, json, due_only=True)


@app.command()
def prune(
    keep: Annotated[int, typer.Option(min=1, help="So many generations of each gallery stay.")] = 1,
    gallery: One = None,
    json: Json = False,
) -> None:
    """Remove old and damaged generations; without --gallery, those of deleted galleries too.

    Example: `gemel index prune --keep 1`
    """
    removed: dict[str, list[str]] = {}
    with _opened(gallery) as (opener, every):
        for one in every:
            shelf = opener.shelf(one)
            if shelf.path.exists():
                with shelf.alone():
                    removed[one.name] = shelf.prune(keep)
        for orphan in [] if gallery else opener.orphans(every):
            opener.discard(orphan)
            removed[str(orphan)] = ["all"]
    if json:
        print_json(removed)
    else:
        out.print(f"{sum(map(len, removed.values()))} generations were removed.")


def _write(gallery: str | None, json: bool, *, due_only: bool) -> None:
    from indexer.recognition import indexing

    write = indexing.snapshot if due_only else indexing.rebuild
    written: dict[str, str | None] = {}
    with _opened(gallery) as (opener, every), progress_bar() as bar:
        for one in every:
            task = bar.add_task(one.name, total=one.face_count)
            written[one.name] = write(opener, one, progress=partial(_advance, bar, task))
    if json:
        print_json(written)
    else:
        for name, generation in written.items():
            out.print(f"{name}: {generation or 'nothing has changed'}", highlight=False)


def _advance(bar: Progress, task: TaskID, faces: int) -> None:
    bar.update(task, completed=faces)


@contextmanager
def _opened(gallery: str | None) -> "Iterator[tuple[Opener, Sequence[Gallery]]]":
    from indexer.embedding.card import sface
    from indexer.recognition.opening import Opener
    from indexer.records import galleries, schema
    from indexer.records.embedded import database_url
    from indexer.records.session import Database

    settings = Settings()
    database = Database(database_url(settings))
    try:
        schema.check(database)
        with database.reading() as session:
            every = [galleries.get(session, gallery)] if gallery else galleries.all_of_them(session)
        yield Opener.of(settings, database, sface(mirror=settings.mirror)), every
    finally:
        database.close()


def _verified(name: str, result: "Verification") -> dict[str, Any]:
    return {
        "gallery": name,
        "clean": result.clean,
        "generation": result.generation,
        "applied": result.applied,
        "count": result.count,
        "digest": result.digest,
        "index_digest": result.index_digest,
        "missing": result.difference.missing,
        "surplus": result.difference.surplus,
        "changed": result.difference.changed,
        "damaged": result.damaged,
    }


def _print_verified(name: str, result: "Verification") -> None:
    held = result.generation or "nothing on disk, it is read from PostgreSQL"
    verdict = "[green]equal[/]" if result.clean else "[red]differs[/]"
    out.print(f"{escape(name)}: {verdict}, {result.count} faces, {held}", highlight=False)
    for problem in result.damaged:
        console.print(f"  {escape(problem)}", highlight=False)
    for kind in ("missing", "surplus", "changed"):
        keys: list[int] = getattr(result.difference, kind)
        if keys:
            more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
            console.print(f"  {kind}: faces {', '.join(map(str, keys[:NAMED]))}{more}", highlight=False)
