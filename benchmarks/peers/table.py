"""The rows of a run as a table, for a terminal and as Markdown."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table

Row = dict[str, Any]

TITLES = {
    "gemel": "Gemel, over HTTP",
    "opencv": "OpenCV, YuNet and SFace",
    "face_recognition": "face_recognition",
    "deepface": "deepface, YuNet and SFace",
}
COLUMNS = (
    "version",
    "enrol, s",
    "identifications/s, 1 client",
    "8 clients",
    "CPU, ms each",
    "memory, MB, 1 client",
    "memory, 8 clients",
    "rank-1",
    "no face",
)


def title(row: Row) -> str:
    return TITLES.get(row["name"], str(row["name"]))


def cells(row: Row) -> list[str]:
    """One for each of COLUMNS; of a missing contender the reason alone."""
    if "missing" in row:
        return [f"missing: {row['missing']}", *[""] * (len(COLUMNS) - 1)]
    one, several = row["one"], row["several"]
    return [
        str(row["version"]),
        f"{row['enrol_s']:.1f}",
        f"{one['identifications_per_s']:.1f}",
        f"{several['identifications_per_s']:.1f} ({row['way']})",
        f"{several['cpu_ms']:.1f}",
        f"{one['resident_mb']:,.0f}",
        f"{several['resident_mb']:,.0f}",
        f"{several['rank1']:.1%}".replace("%", " %"),
        f"{row['not_enrolled']} + {several['not_found']}",
    ]


def table(rows: Sequence[Row]) -> Table:
    made = Table("", *COLUMNS, title=_subject(rows), title_justify="left", title_style="bold")
    for row in rows:
        made.add_row(title(row), *cells(row))
    return made


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of a table for the documents."""
    yield f"| | {' | '.join(COLUMNS)} |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for row in rows:
        yield f"| {title(row)} | {' | '.join(cells(row))} |"


def _subject(rows: Sequence[Row]) -> str:
    measured = [row for row in rows if "missing" not in row]
    if not measured:
        return "nothing was measured"
    return f"{measured[0]['people']:,} people enrolled, {measured[0]['probes']:,} probes"
