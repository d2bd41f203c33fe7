"""`gemel models list|show|fetch|add`: which models there are, and how their weights get onto this machine."""

from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.commands import Commands, Group, Json
from indexer.cli.models.bars import FileBars, bytes_bar
from indexer.cli.models.tables import print_added, print_fetched, print_list, print_model
from indexer.cli.output import print_result
from indexer.settings import Settings

app = Commands(cls=Group, invoke_without_command=True, no_args_is_help=False)


@app.callback()
def models(context: typer.Context, json: Json = None) -> None:
    """List, show, fetch and add models. Without a command: list them.

    Example: `gemel models --json`
    """
    if context.invoked_subcommand is None:
        list_models(json)


@app.command("list")
def list_models(json: Json = None) -> None:
    """List the models and other networks, and which weights are on this machine.

    Example: `gemel models list`
    """
    from indexer.cli.models.rows import every_model, other_networks

    settings = Settings()
    rows = {"models": every_model(settings), "networks": other_networks(settings)}
    print_result(rows, json, lambda: print_list(rows))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name that `gemel models list` lists.")],
    json: Json = None,
) -> None:
    """Show a model's files, publisher, licence and figures.

    Example: `gemel models show sface`
    """
    from indexer.cli.models.rows import one_model

    row = one_model(name, Settings())
    print_result(row, json, lambda: print_model(row))


@app.command()
def fetch(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Names that `gemel models list` lists.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Fetch all that can be fetched.")] = False,
    json: Json = None,
) -> None:
    """Fetch the weights of models and other networks from their publishers, or from `GEMEL_MODEL_MIRROR`.

    Each file is verified by its SHA-256. An interrupted fetch continues where it ended.

    Example: `gemel models fetch reid0095 lightqnet`
    """
    from indexer.cli.models.rows import fetched, files_of
    from indexer.weights import published
    from indexer.weights.fetch import fetch as fetch_files
    from indexer.weights.store import WeightStore

    if not names and not every:
        raise typer.BadParameter("name a model, or give `--all`", param_hint="NAME")
    settings = Settings()
    files = [file for name in names or [] for file in files_of(name, settings)]
    if every:
        files += [file for file in published.every_file() if file.is_fetched]
    store = WeightStore.of(settings)
    with bytes_bar() as bar:
        done = fetch_files(
            list(dict.fromkeys(files)),
            store,
            mirror_address=settings.mirror_address,
            progress=FileBars(bar),
        )
    row = fetched(done, store)
    print_result(row, json, lambda: print_fetched(row))


@app.command()
def add(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", exists=True, help="Published files of weights, or folders with some."
        ),
    ],
    json: Json = None,
) -> None:
    """Add files of weights from this machine, for machines without internet. Their names do not matter.

    Of a folder, the known files in it are added, and the others are listed.

    Example: `gemel models add /media/usb/face-reidentification-retail-0095.*`
    """
    from indexer.cli.models.rows import added
    from indexer.weights.add import add as add_files
    from indexer.weights.store import WeightStore

    store = WeightStore.of(Settings())
    row = added(add_files(files, store), store)
    print_result(row, json, lambda: print_added(row))
