"""The rows of a run as tables for a terminal."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Row = dict[str, Any]

RIVALS = (
    ("gemel-exact", ("faiss-flat", "faiss-flat-1thread")),
    ("gemel-compact", ("faiss-compact", "faiss-compact-1thread")),
    ("gemel-gpu", ("faiss-gpu",)),
)
"""Ours, and FAISS with the same index. Ours is compared with the faster one."""


def tables(rows: Sequence[Row]) -> RenderableType:
    searches = [row for row in rows if "recall" in row]
    sizes = sorted({row["n"] for row in rows})
    parts: list[RenderableType] = [
        _searches([row for row in searches if row["n"] == n], n)
        for n in sizes
        if any(row["n"] == n for row in searches)
    ]
    if len(sizes) > 1:
        parts.append(_growth(searches, sizes))
    if any("batch" in row for row in rows):
        parts.append(_enrolments([row for row in rows if "batch" in row]))
    parts += [Text(line) for line in ratios(searches)]
    return Group(*parts)


def label(row: Row) -> str:
    """The name of a method, with its effort if it has several."""
    return f"{row['name']} {row['ef_search']}" if "ef_search" in row else str(row["name"])


def ratios(rows: Sequence[Row]) -> Iterator[str]:
    """Quotients of two rows that the documents quote, in words."""
    for n in sorted({row["n"] for row in rows}):
        p50 = {label(row): row["p50_ms"] for row in rows if row["n"] == n}
        for ours, theirs in RIVALS:
            raced = [name for name in theirs if name in p50]
            if ours in p50 and raced:
                best = min(raced, key=p50.__getitem__)
                yield f"{n:>10,}  {ours} takes {p50[ours] / p50[best]:.2f} x {best}"
        for slow in ("faiss-flat", "faiss-flat-1thread", "faiss-flat-fp16"):
            if slow in p50 and "gemel-compact" in p50:
                yield f"{n:>10,}  {slow} takes {p50[slow] / p50['gemel-compact']:.1f} x gemel-compact"
        graphs = [row for row in rows if row["n"] == n and row["name"] == "pgvector-hnsw"]
        if graphs and "gemel-compact" in p50:
            best_graph = max(graphs, key=lambda row: row["recall"])
            yield (
                f"{n:>10,}  {label(best_graph)} takes {best_graph['p50_ms'] / p50['gemel-compact']:.1f} x"
                f" gemel-compact and has recall@1 {best_graph['recall']:.4f} against exact search"
            )


def _searches(rows: Sequence[Row], n: int) -> Table:
    threshold = rows[0]["threshold"]
    table = _table(f"{n:,} faces, threshold {threshold:.3f} (FPIR 1 %)", "Method")
    for column in (
        "p50 ms", "p95 ms", "queries/s", "Mate first", "Recall", "Above thr.", "Bytes a face",
        "Build s", "Probes",
    ):  # fmt: skip
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            label(row),
            f"{row['p50_ms']:.3f}",
            f"{row['p95_ms']:.3f}",
            f"{row['queries_per_s']:,.0f}",
            f"{row['first_found']:.4f}",
            f"{row['recall']:.4f}",
            f"{row['recall_above_threshold']:.4f}",
            f"{row['bytes_per_face']:,.0f}",
            f"{row['build_s']:.1f}",
            f"{row['probes']:,}",
        )
    return table


def _growth(rows: Sequence[Row], sizes: Sequence[int]) -> Table:
    table = _table("How p50 grows, ms", "Method")
    for n in sizes:
        table.add_column(f"{n:,}", justify="right")
    table.add_column(f"{sizes[-1] / sizes[0]:,.0f} x the faces", justify="right")
    for method in dict.fromkeys(map(label, rows)):
        p50 = {row["n"]: row["p50_ms"] for row in rows if label(row) == method}
        cells = [f"{p50[n]:.3f}" if n in p50 else "" for n in sizes]
        grown = p50[sizes[-1]] / p50[sizes[0]] if {sizes[0], sizes[-1]} <= p50.keys() else None
        table.add_row(method, *cells, f"{grown:.1f} x the time" if grown else "")
    return table


def _enrolments(rows: Sequence[Row]) -> Table:
    table = _table("Enrolment into a live index that is searched without a pause", "Method")
    for column in ("Faces", "At once", "Faces/s", "Searches/s", "p50 ms", "p95 ms"):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(
            row["name"],
            f"{row['n']:,}",
            f"{row['batch']}",
            f"{row['faces_per_s']:,.0f}",
            f"{row['queries_per_s']:,.0f}",
            f"{row['p50_ms']:.3f}",
            f"{row['p95_ms']:.3f}",
        )
    return table


def _table(title: str, first: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(first, no_wrap=True)
    return table
