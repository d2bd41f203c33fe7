"""`gemel cluster DIR`: groups of one person each, from faces that nobody has named."""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.cluster import folder, of_gallery, undone
from indexer.cli.cluster.options import FPIR
from indexer.cli.commands import Json, check_writable, html_file
from indexer.cli.evaluate.options import drawable


def sort(
    directory: Annotated[
        Path | None,
        typer.Argument(exists=True, file_okay=False, help="A folder with photographs, in subfolders, too."),
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(
            help="Instead of a folder: join the anonymous identities of this gallery that are one person."
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="SCORE",
            help="The least mean similarity of the faces of a group, above 0 and up to 1; the default follows"
            " from `--fpir`.",
        ),
    ] = None,
    fpir: Annotated[
        float | None,
        typer.Option(
            min=1e-6,
            max=0.5,
            metavar="RATE",
            show_default=str(FPIR),
            help="Share of faces that may resemble a face of somebody else. It sets the threshold, among as"
            " many faces as are found.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A model, named as in GEMEL_MODEL, which is the default."),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz",
            dir_okay=False,
            callback=check_writable,
            help="Keep the faces, their embeddings and their groups in it. The next run reads new photographs"
            " only, and groups keep their ids.",
        ),
    ] = None,
    html: Annotated[
        Path | None,
        html_file("Write a page with the faces of each group to it; needs the extra `report`.", drawable),
    ] = None,
    join_groups: Annotated[
        bool, typer.Option("--join-groups", help="In a gallery: existing groups may become one.")
    ] = False,
    join_named: Annotated[
        bool,
        typer.Option(
            "--join-named",
            help="In a gallery: a group that resembles somebody with a name joins them. Otherwise it gets a"
            " review.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="In a gallery: only list the groups, with --json all faces.")
    ] = False,
    undo: Annotated[
        str | None,
        typer.Option(
            metavar="ID|last",
            help="In a gallery: undo what this clustering has joined, `last` for the newest. What people have"
            " changed since stays.",
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Group the faces in a folder of photographs: one group for each person. Nothing is enrolled.

    All faces of a photograph are compared. A face that resembles no other, or is too small or too poor to be
    enrolled, is in no group. Ctrl-C stops after a photograph or two, and what was read is grouped; with
    `--state`, the same command continues.

    With `--gallery`, the faces are those of the gallery's anonymous identities, and each group becomes one
    identity. Groups that are there already are never split, and keep their ids.

    Example: `gemel cluster photographs/ --html groups.html --state groups.npz`, or for a gallery
    `gemel cluster --gallery family`
    """
    if (directory is None) == (gallery is None):
        raise typer.BadParameter("give either a folder or --gallery; of a Ray cluster: up, join or status.")
    if threshold is not None and fpir is not None:
        raise typer.BadParameter("give --threshold or --fpir: each sets the threshold.")
    if threshold is not None and not 0 < threshold <= 1:
        raise typer.BadParameter("--threshold must be above 0 and at most 1")
    if gallery is None:
        if join_groups or join_named or dry_run or undo is not None:
            raise typer.BadParameter("--join-groups, --join-named, --dry-run and --undo need --gallery.")
        assert directory is not None
        folder.run(directory, threshold, FPIR if fpir is None else fpir, model, state, html, json)
        return
    if model is not None or state is not None or html is not None or fpir is not None:
        raise typer.BadParameter("--model, --state, --html and --fpir are for a folder.")
    if undo is not None:
        if join_groups or join_named or dry_run or threshold is not None:
            raise typer.BadParameter("--undo takes no options but --gallery and --json.")
        undone.run(gallery, undo, json)
        return
    of_gallery.run(
        gallery, threshold, join_groups=join_groups, join_named=join_named, dry_run=dry_run, json=json
    )
