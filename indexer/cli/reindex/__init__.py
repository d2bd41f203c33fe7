"""`gemel reindex ...` and `gemel worker`: another model for a gallery, while everybody keeps working."""

import typer

from indexer.cli.reindex.acting import activate, cancel, cleanup, pause, resume, rollback
from indexer.cli.reindex.looking import compare, status, watch
from indexer.cli.reindex.starting import start
from indexer.cli.reindex.working import log_events, worker
from indexer.settings import Settings

app = typer.Typer(
    help="Bring a gallery to another model: embed, compare, switch, switch back.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def logged() -> None:
    log_events(Settings())


for _command in (start, status, watch, compare, activate, rollback, cleanup, pause, resume, cancel):
    app.command()(_command)

__all__ = ["app", "worker"]
