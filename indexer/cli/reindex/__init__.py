"""`gemel reindex ...` and `gemel worker`."""

from indexer.cli.commands import Commands
from indexer.cli.reindex.control import activate, cancel, cleanup, pause, resume, rollback
from indexer.cli.reindex.start import start
from indexer.cli.reindex.views import compare, status, watch
from indexer.cli.reindex.worker import log_events, worker
from indexer.settings import Settings

app = Commands("Take a gallery to another model: embed, compare, switch, roll back.")


@app.callback()
def _log_events() -> None:
    log_events(Settings())


for _command in (start, status, watch, compare, activate, rollback, cleanup, pause, resume, cancel):
    app.command()(_command)

__all__ = ["app", "worker"]
