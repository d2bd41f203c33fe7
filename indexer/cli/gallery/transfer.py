"""`gemel gallery export|import`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from indexer.cli.commands import Json, check_writable
from indexer.cli.database import open_index_store
from indexer.cli.gallery.commands import Name, app
from indexer.cli.output import escape_text, out, print_result, print_warning, quantity
from indexer.cli.progress import progress_bar
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.transfer.archive.contents import Contents
    from indexer.transfer.folder import Exported
    from indexer.transfer.importer import Imported
    from indexer.transfer.target import Target


@app.command("export")
def export_gallery(
    name: Name,
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|FILE.tar",
            callback=check_writable,
            help="A new folder, which an interrupted export continues, or one tar file.",
        ),
    ],
    json: Json = None,
) -> None:
    """Write a gallery to files: its people, faces, crops, embeddings, policy and calibrations.

    The files are as confidential as the database. They hold the gallery as it is when the export begins.
    After an interruption, run it again.

    Example: `gemel gallery export staff /backup/staff`
    """
    from indexer.transfer import folder

    write = folder.to_file if path.suffix == ".tar" else folder.to_folder
    with open_index_store(Settings()) as index_store, progress_bar("faces") as bar:
        task = bar.add_task("Exporting", total=None)
        done = write(
            index_store.database,
            name,
            path,
            progress=lambda count, total: bar.update(task, completed=count, total=total),
        )
    result = _exported_as_json(done, path)
    print_result(result, json, lambda: _print_exported(result))


@app.command("import")
def import_gallery(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|FILE.tar", exists=True, help="What `gemel gallery export` or the API has written."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="GALLERY", help="Name of the new gallery.", show_default="as it was exported"
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option("--into", metavar="GALLERY", help="Add the people to this existing gallery instead."),
    ] = None,
    join: Annotated[
        bool,
        typer.Option(
            "--join",
            help="With --into: join people who have the same external id. Without it, nothing is imported if"
            " the gallery has such people.",
        ),
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            help="Embed the crops with this model instead of the exported one, such as sface+reid0095."
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Import an exported gallery: as a new gallery, or into an existing one.

    Everything is checked before anything is imported. Where this machine does not have the export's model,
    the crops are embedded by the default model. After an interruption, run the same command again.

    Example: `gemel gallery import /backup/staff --name staff`
    """
    from contextlib import closing, nullcontext

    from indexer.embedding import catalog
    from indexer.records import galleries
    from indexer.transfer import embed, importer, target
    from indexer.transfer.archive.check import check
    from indexer.usecases.bootstrap import open_pipeline_factory
    from indexer.weights.store import WeightStore

    if into is not None and (name is not None or model is not None):
        raise typer.BadParameter("--into names an existing gallery, which has a name and a model already")
    if join and into is None:
        raise typer.BadParameter("--join is for --into")
    settings = Settings()
    card = None if model is None else catalog.named(model, mirror=settings.mirror)
    with open_index_store(settings) as index_store, progress_bar("faces") as bar:
        contents = _open(path)
        with index_store.database.reading() as session:
            existing = None if into is None else galleries.get(session, into)
            if existing is None:
                importer.check_free(session, name or contents.manifest.gallery.name)
        chosen = target.choose(
            index_store.models, WeightStore.of(settings), contents.manifest, into=existing, model=card
        )
        checking = bar.add_task("Checking", total=contents.manifest.counts.faces)
        checked = check(
            contents, progress=lambda done, total: bar.update(checking, completed=done, total=total)
        )
        target.check_crops(chosen, checked.without_crop)
        if chosen.embeds:
            print_warning(f"the crops are embedded again by {chosen.card.fingerprint}: {chosen.reason}")
        task = bar.add_task("Importing", total=contents.manifest.counts.faces)
        running = importer.GalleryImport(
            index_store.database,
            index_store.models,
            contents,
            chosen,
            name=into or name or contents.manifest.gallery.name,
            into=existing,
            join=join,
        )
        with open_pipeline_factory(settings) if chosen.embeds else nullcontext() as factory:
            made = (
                nullcontext(embed.as_exported)
                if factory is None
                else closing(embed.FromCrops(factory.pipeline(chosen.card)))
            )
            with made as embedder:
                done = running.run(
                    embedder, progress=lambda done, total: bar.update(task, completed=done, total=total)
                )
    result = _imported_as_json(done, contents, chosen)
    print_result(result, json, lambda: _print_imported(result))


def _open(path: Path) -> "Contents":
    """Raises ArchiveInvalid, ArchiveDamaged, ArchiveVersionUnknown, OSError."""
    from indexer.errors import ArchiveDamaged, ArchiveInvalid
    from indexer.transfer.archive.contents import Contents
    from indexer.transfer.archive.source import open_source

    try:
        return Contents.open(open_source(path))
    except (ArchiveInvalid, ArchiveDamaged) as error:
        raise type(error)(f"{path}: {error.message}", **error.details) from None


def _exported_as_json(done: "Exported", path: Path) -> dict[str, Any]:
    counts = done.manifest.counts
    return {
        "gallery": done.manifest.gallery.name,
        "path": str(path),
        "identities": counts.identities,
        "faces": counts.faces,
        "crops": counts.crops,
        "bytes": counts.bytes,
        "files": len(done.manifest.files),
        "kept_files": done.kept_files,
        "change_number": done.manifest.gallery.last_change.number,
        "sha256": done.sha256,
    }


def _print_exported(result: dict[str, Any]) -> None:
    people, faces = quantity(result["identities"], "person", "people"), quantity(result["faces"], "face")
    out.print(
        f"Exported {escape_text(result['gallery'])} to {escape_text(result['path'])}: {people}, {faces},"
        f" {quantity(result['crops'], 'crop')}, {result['bytes'] / 1e6:,.1f} MB.",
        highlight=False,
        soft_wrap=True,
    )
    out.print(f"SHA-256 of the manifest: {result['sha256']}", highlight=False, soft_wrap=True)


def _imported_as_json(done: "Imported", contents: "Contents", chosen: "Target") -> dict[str, Any]:
    return {
        "gallery": done.gallery.name,
        "sha256": contents.sha256,
        "model": chosen.card.fingerprint,
        "embedded_again": chosen.embeds,
        **done.figures,
    }


def _print_imported(result: dict[str, Any]) -> None:
    people = quantity(result["identities_created"], "person", "people")
    out.print(
        f"Imported {people} and {quantity(result['faces_added'], 'face')} into"
        f" {escape_text(result['gallery'])}, model {escape_text(result['model'])}.",
        highlight=False,
        soft_wrap=True,
    )

    def count(people: str, faces: str | None = None) -> str:
        parts = [quantity(result[people], "person", "people")] if result[people] else []
        if faces is not None and result[faces]:
            parts.append(quantity(result[faces], "face"))
        return ", ".join(parts)

    for counted, what in (
        (count("identities_there", "faces_there"), "Already in the gallery"),
        (count("identities_joined"), "Joined with whoever has the external id"),
        (count("new_ids"), "With a new id, as another gallery has theirs"),
    ):
        if counted:
            out.print(f"{what}: {counted}.", highlight=False, soft_wrap=True)
