"""How re-index jobs, plans and comparisons are shown: to people within 80 columns, to programs as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rich.table import Column, Table

from indexer.cli.output import console, escape_text, out
from indexer.cli.progress import duration

if TYPE_CHECKING:
    from indexer.reindex.plan import Plan, Shortage
    from indexer.reindex.status import Status

OVERRIDE = "`activate --force WHY` switches all the same"
NAMED = 20
"""Skipped faces that are shown; JSON has more."""


def as_json(rows: "Sequence[Status]") -> list[dict[str, Any]]:
    return [asdict(row) | {"seconds_left": row.progress.seconds_left} for row in rows]


def print_jobs(rows: "Sequence[Status]") -> None:
    if not rows:
        out.print("There are no re-index jobs.")
        return
    columns = (
        Column("Gallery", overflow="fold"),
        Column("From, to", no_wrap=True),
        "State",
        "Faces",
        "Begun",
    )
    table = Table(*columns, show_lines=len(rows) > 1)
    for row in rows:
        table.add_row(
            escape_text(row.gallery),
            f"{escape_text(row.from_model)}\n{escape_text(row.to_model)}",
            _state(row),
            _faces(row),
            f"{row.events[0].at.astimezone():%Y-%m-%d\n%H:%M}" if row.events else "",
        )
    out.print(table)
    for row in rows:
        if row.problem:
            console.print(
                f"[red]{escape_text(row.gallery)}[/] has stopped: {escape_text(row.problem)}", highlight=False
            )
            console.print(f"  Mend it, then `gemel reindex resume -g {row.gallery}`.", highlight=False)


def print_history(row: "Status") -> None:
    """What happened to a job, and which faces it has left out."""
    out.print(f"\n{row.gallery} to {row.to_model}, job {row.id}:", highlight=False, markup=False)
    for event in row.events:
        out.print(
            f"  {event.at.astimezone():%Y-%m-%d %H:%M:%S}  {event.text}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    for skipped in row.skipped[:NAMED]:
        out.print(
            f"  skipped: face {skipped.face}: {skipped.why}", highlight=False, markup=False, soft_wrap=True
        )
    if len(row.skipped) > NAMED:
        out.print(f"  and {len(row.skipped) - NAMED} more; --json lists them")


def print_plans(plans: "Sequence[Plan]", shortages: "Sequence[Shortage]" = ()) -> None:
    for plan in plans:
        out.print(f"{plan.gallery}: {plan.from_model} to {plan.to_model}", highlight=False, markup=False)
        speed = (
            "unknown: there is no stored crop to try it on"
            if plan.seconds is None
            else f"{duration(plan.seconds)} with one worker like this"
            f" ({plan.faces_per_second:.0f} faces/s, measured on {plan.sampled})"
        )
        lines = {
            "faces": f"{plan.faces}" + (f", {plan.without_crop} without a crop" if plan.without_crop else ""),
            "time": speed,
            "disk": f"{_size(plan.disk_bytes)} of {_size(plan.disk_free_bytes)} that are free",
            "memory": f"{_size(plan.index_bytes)} a process for both indexes, until the cleanup;"
            f" {_size(plan.new_index_bytes)} of them are new, {_size(plan.memory_free_bytes)} are available",
        }
        for what, line in lines.items():
            out.print(f"  {what:7} {line}", highlight=False)
        if plan.without_crop:
            out.print("  Faces without a stored crop cannot be carried over: they are skipped, and listed.")
    for shortage in shortages:
        console.print(f"[yellow]too little room[/] {escape_text(str(shortage))}", highlight=False)


def print_comparison(gallery: str, found: dict[str, Any]) -> None:
    old, new = found["old"], found["new"]
    table = Table(escape_text(gallery), old["model"], new["model"])
    table.add_row("rank-1", *(_rate(side["rank1"], side.get("rank1_interval")) for side in (old, new)))
    for fpir in sorted(old["at_fpir"], key=float):
        points = [side["at_fpir"].get(fpir) for side in (old, new)]
        rates = [_rate(point["fnir"], point["interval"]) if point else "-" for point in points]
        table.add_row(f"FNIR at FPIR {float(fpir):g}", *rates)
        table.add_row("  threshold", *(f"{point['threshold']:.4f}" if point else "-" for point in points))
    table.add_row("skipped", str(old["skipped"]), str(new["skipped"]))
    out.print(table)
    between = found["disagreements"]
    drawn = f", {found['probes']} of them searched for" if found["probes"] < found["faces"] else ""
    out.print(f"{found['faces']} faces of {found['identities']} people{drawn}.", highlight=False)
    if old["at_fpir"]:
        out.print(
            f"At FPIR 0.01 the new model finds {between['won']} that the old one misses, and misses"
            f" {between['lost']} that the old one finds.",
            highlight=False,
        )
    else:
        out.print("Nobody has two faces here: how well the models find people cannot be measured.")
    print_gates(found["gates"])


def print_gates(gates: Sequence[dict[str, Any]]) -> None:
    for gate in gates:
        verdict = "[green]passed[/]" if gate["passed"] else "[red]not passed[/]"
        reason = gate.get("reason", "compared by an earlier version")
        out.print(f"  gate {escape_text(gate['gate'])}: {verdict}, {reason}", highlight=False)


def say(what: str, row: "Status") -> None:
    values = {
        "gallery": row.gallery,
        "state": row.state,
        "from_model": row.from_model,
        "to_model": row.to_model,
    }
    out.print(f"{row.gallery}: {what.format(**values)}", highlight=False, markup=False, soft_wrap=True)


def print_next(rows: "Sequence[Status]", gates: Mapping[UUID, Sequence[dict[str, Any]]]) -> None:
    """What an operator may do now. `gates`: what became of them, by job, where it is ready."""
    for row in rows:
        failed = [gate for gate in gates.get(row.id, []) if not gate["passed"]]
        if row.word == "embedding":
            say("begun; `gemel worker` works on it, `gemel reindex watch -g {gallery}` looks on", row)
        elif row.word == "ready" and not failed:
            say("all gates are passed; look with `gemel reindex compare -g {gallery}`, then `activate`", row)
        elif row.word == "ready":
            say("the new model has not passed its gates:", row)
            print_gates(failed)
            hint = f"`gemel reindex compare -g {row.gallery}` shows more; {OVERRIDE}."
            console.print(f"  {hint}", highlight=False, markup=False, soft_wrap=True)


def _state(row: "Status") -> str:
    workers = f"\n{row.progress.workers} at work" if row.progress.workers else ""
    return row.word + (f"\nat {row.state}" if row.word != row.state else workers)


def _faces(row: "Status") -> str:
    done = row.progress
    counted = f"{done.done}/{done.total}" if done.done < done.total else str(done.total)
    return counted + (f"\n{len(row.skipped)} skipped" if row.skipped else "")


def _size(bytes_: int) -> str:
    return f"{bytes_ / 1e9:.1f} GB" if bytes_ >= 1e9 else f"{bytes_ / 1e6:.1f} MB"


def _rate(value: float | None, interval: list[float] | None) -> str:
    if value is None or interval is None:
        return "-"
    return f"{value:.4f} ({interval[0]:.4f} to {interval[1]:.4f})"
