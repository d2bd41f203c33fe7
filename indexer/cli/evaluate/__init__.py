"""`gemel evaluate ...`: measure models on labelled photographs. Needs no database.

Its commands import the networks, which takes longer than everything else that `gemel` imports. So they are
imported only when one of them is used.
"""

from functools import cached_property
from typing import Any

import typer

from indexer.cli.commands import Commands, Group


class _Evaluate(Group):
    """Imports its commands when they are first needed."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        del self.__dict__["commands"]  # it would hide the property below

    @cached_property
    def commands(self) -> Any:  # type: ignore[override]
        from indexer.cli.evaluate.commands import app

        group: Any = typer.main.get_command(app)
        return group.commands


app = Commands("Measure models on labelled photographs, through the pipeline that serves.", cls=_Evaluate)


@app.callback()
def evaluate() -> None:
    pass
