"""`gemel cluster DIR` sorts photographs by person; `gemel cluster up|join|status` are about a Ray cluster."""

from indexer.cli.cluster import join, status, up
from indexer.cli.cluster.group import SORT, ClusterGroup
from indexer.cli.cluster.sort import sort
from indexer.cli.commands import Commands

app = Commands(cls=ClusterGroup, subcommand_metavar="DIR|COMMAND [ARGS]...")


@app.callback()
def options() -> None:
    """Sort photographs by person. Or: run shards of large galleries on several machines.

    These are two things of one name. `gemel cluster DIR` and `gemel cluster --gallery NAME` group faces that
    nobody has named; `gemel cluster DIR --help` shows all options. `gemel cluster up`, `join` and `status`
    are about a Ray cluster, a group of machines that hold the shards of large galleries. A folder of such a
    name is written with `./` before it.

    Example: `gemel cluster photographs/`, or `gemel cluster ./up` for a folder `up`, or
    `gemel cluster up --shards 2` for a Ray cluster
    """


app.command(SORT)(sort)
app.command("up")(up.up)
app.command("join")(join.join)
app.command("status")(status.status)

__all__ = ["app"]
