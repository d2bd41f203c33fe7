"""The group `gemel cluster`, whose default command takes a folder."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from typer.core import TyperGroup

SORT = "DIR"
"""The default command's name in lists of commands. A folder takes its place."""


class ClusterGroup(TyperGroup):
    """Hands everything to the command `SORT` that does not begin with the name of another command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        literally = args[:1] == [SORT] and not Path(SORT).exists()
        if not literally and not (args and args[0] in self._names | set(ctx.help_option_names)):
            args = [SORT, *self._check_spelling(ctx, args)]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        return (None if name == SORT else name), command, rest  # `gemel cluster [OPTIONS] DIR`

    @property
    def _names(self) -> set[str]:
        return self.commands.keys() - {SORT}

    def _check_spelling(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments. Raises a usage error for a misspelt command."""
        for word in args[:1]:
            near = get_close_matches(word, self._names, n=1, cutoff=0.7)
            if near and not Path(word).exists():
                ctx.fail(f"There is no folder {word!r}. Did you mean `{near[0]}`?")
        return args
