"""The commands of people: `gemel person`, `gemel reviews`, `gemel imports`, `gemel visitors`."""

from indexer.cli.people import naming, regroup
from indexer.cli.people.imports import app as imports
from indexer.cli.people.person import app as person
from indexer.cli.people.photographs import photographs
from indexer.cli.people.reviews import app as reviews
from indexer.cli.people.visitors import app as visitors

for command in (
    naming.name,
    naming.hide,
    naming.unhide,
    photographs,
    regroup.merge,
    regroup.split,
    regroup.move,
    regroup.undo,
):
    person.command()(command)

__all__ = ["imports", "person", "reviews", "visitors"]
