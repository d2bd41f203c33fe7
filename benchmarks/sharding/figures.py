"""The figures of `benchmarks.cluster`: in a file, as a table, and what follows for other machines."""

import json
import os
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.sharding import estimate, plot
from benchmarks.sharding.estimate import Parts

Row = dict[str, Any]
CORES = 16
"""Of the machines of the estimate."""
LARGE = ((10**8, 4), (10**8, 8), (10**9, 32), (10**9, 64))
"""Faces and shards of the galleries of the estimate."""


class Figures:
    """The rows so far, in the file and on the screen."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        kept = json.loads(file.read_text("utf-8")) if file is not None and file.exists() else {}
        self.rows: list[Row] = kept.get("rows", [])
        self.one_process: list[Row] = kept.get("one_process", [])

    def add(self, rows: list[Row], row: Row, *key: str) -> None:
        """Replaces the row of an earlier run with the same key."""
        rows[:] = [old for old in rows if any(old.get(name) != row.get(name) for name in key)]
        rows.append(row)
        if self._file is not None:
            figures = {"cores": os.cpu_count(), "rows": self.rows, "one_process": self.one_process}
            self._file.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")

    def show(self) -> None:
        console = Console()
        table = Table("Faces", "Tier", "Shards", "Copies", "Clients", "First equal", "Wrong", "Errors")
        for name in ("p50 ms", "p95 ms", "Searches a second", "Recovery s"):
            table.add_column(name)
        rows = [*self.one_process, *self.rows]
        for row in sorted(rows, key=lambda row: (row["faces"], row["tier"], row["shards"], row["clients"])):
            table.add_row(
                f"{row['faces']:,}",
                row["tier"],
                str(row["shards"] or "one process"),
                str(row["copies"] or ""),
                str(row["clients"]),
                f"{row['first_equal']:.4f}",
                str(row["wrong"]),
                str(row["errors"]),
                f"{row['p50_ms']:.1f}",
                f"{row['p95_ms']:.1f}",
                f"{row['per_second']:.0f}",
                "" if row.get("recovery_s") is None else f"{row['recovery_s']:.1f}",
            )
        console.print(table)
        for line in lines(self.rows, self.one_process):
            console.print(line, highlight=False, soft_wrap=True)

    def draw(self, path: Path, tier: str) -> None:
        """Raises SystemExit where rows are missing, OSError."""
        parts = parts_of(self.rows, self.one_process, tier)
        if parts is None:
            raise SystemExit(f"no rows of tier {tier} in one process and in shards, of one client")
        plot.draw([*self.one_process, *self.rows], parts, tier=tier, path=path)


def parts_of(rows: list[Row], one_process: list[Row], tier: str) -> Parts | None:
    """What was measured with one client: the scan in the largest gallery, the rest in the smallest one. None
    where a part is missing."""
    alone = sorted(
        (row for row in one_process if row["tier"] == tier and row["clients"] == 1),
        key=lambda row: int(row["faces"]),
    )
    if not alone:
        return None
    small, large = alone[0], alone[-1]
    sharded = {
        int(row["shards"]): row
        for row in rows
        if (row["tier"], row["clients"], row["faces"]) == (tier, 1, small["faces"])
    }
    if not sharded:
        return None
    fewest = sharded[min(sharded)]
    call = max(0.0, fewest["p50_ms"] - small["p50_ms"])
    # Other shards answer at the same time on their own machines: the process that searches sends their calls.
    overhead = {shards: call + row["cpu_ms"] - fewest["cpu_ms"] for shards, row in sharded.items()}
    if small is large:
        scan = large["cpu_ms"] / large["faces"]
    else:  # what a search takes without a scan is in both
        scan = (large["cpu_ms"] - small["cpu_ms"]) / (large["faces"] - small["faces"])
    return Parts(
        scan_ms_per_million=1e6 * scan,
        overhead_ms=overhead,
        index_bytes=large["index_bytes"],
        postgresql_bytes=large["postgresql_bytes"],
    )


def lines(rows: list[Row], one_process: list[Row]) -> list[str]:
    """The estimates, in words."""
    said = []
    for tier in sorted({row["tier"] for row in one_process}):
        parts = parts_of(rows, one_process, tier)
        if parts is None:
            continue
        said.append(
            f"Tier {tier}, measured: a core scans a million faces in {parts.scan_ms_per_million:.2f} ms; an"
            f" index takes {parts.index_bytes:.0f} bytes a face, PostgreSQL {parts.postgresql_bytes:.0f}; the"
            " rest of a search takes "
            + ", ".join(
                f"{ms:.1f} ms in {shards} shard{'s' * (shards > 1)}"
                for shards, ms in sorted(parts.overhead_ms.items())
            )
            + "."
        )
        for shards in (shards for shards in sorted(parts.overhead_ms) if shards > 1):
            faces = estimate.crossover_faces(parts, shards)
            said.append(
                f"Estimate: on machines that share no cores, a search in {shards} shards is as fast as in one"
                f" process at {faces / 1e6:.1f} million faces."
            )
        for faces, shards in LARGE:
            layout = estimate.layout(parts, faces, shards=shards, copies=2, cores=CORES)
            said.append(
                f"Estimate: {faces / 1e6:,.0f} million faces in {shards} shards with 2 copies:"
                f" {layout.machines} machines of {CORES} cores and {layout.memory_gb:.0f} GB,"
                f" {layout.search_ms:.0f} ms a search, {layout.searches_per_second:.0f} searches a second;"
                f" PostgreSQL {layout.postgresql_gb:,.0f} GB without crops."
            )
    return said
