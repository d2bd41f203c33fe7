"""Shows jobs, plans and comparisons: to people within 80 columns, to programs as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rich.table import Column, Table

from indexer.cli.output import console, escape_text, out, quantity
from indexer.cli.progress import duration
from indexer.cli.reindex.monitor import workers

if TYPE_CHECKING:
    from indexer.reindex.plan import Plan, Shortage
    from indexer.reindex.status import Status

OVERRIDE = "`activate --force REASON` switches all the same"
SHOWN_SKIPPED = 20
"""JSON has more."""


def as_json(jobs: "Sequence[Status]") -> list[dict[str, Any]]:
    return [asdict(job) | {"seconds_left": job.progress.seconds_left} for job in jobs]


def print_jobs(jobs: "Sequence[Status]") -> None:
    if not jobs:
        out.print("There are no re-index jobs.")
        return
    columns = (
        Column("Gallery", overflow="fold"),
        Column("From, to", no_wrap=True),
        "State",
        "Faces",
        "Started",
    )
    table = Table(*columns, show_lines=len(jobs) > 1)
    for job in jobs:
        table.add_row(
            escape_text(job.gallery),
            f"{escape_text(job.from_model)}\n{escape_text(job.to_model)}",
            _state(job),
            _faces(job),
            f"{job.events[0].at.astimezone():%Y-%m-%d\n%H:%M}" if job.events else "",
        )
    out.print(table)
    for job in jobs:
        if job.problem:
            console.print(
                f"[red]{escape_text(job.gallery)}[/] has stopped: {escape_text(job.problem)}", highlight=False
            )
            console.print(
                f"  Solve the problem, then `gemel reindex resume -g {escape_text(job.gallery)}`.",
                highlight=False,
            )


def print_history(job: "Status") -> None:
    """The events of a job, and its skipped faces."""
    out.print(f"\n{job.gallery} to {job.to_model}, job {job.id}:", highlight=False, markup=False)
    for event in job.events:
        _print_line(f"  {event.at.astimezone():%Y-%m-%d %H:%M:%S}  {event.text}")
    for skipped in job.skipped[:SHOWN_SKIPPED]:
        _print_line(f"  skipped: face {skipped.face}: {skipped.why}")
    if len(job.skipped) > SHOWN_SKIPPED:
        out.print(f"  and {len(job.skipped) - SHOWN_SKIPPED} more; --json lists them")


def print_plans(plans: "Sequence[Plan]", shortages: "Sequence[Shortage]" = ()) -> None:
    for plan in plans:
        out.print(f"{plan.gallery}: {plan.from_model} to {plan.to_model}", highlight=False, markup=False)
        time = (
            "unknown: there is no stored crop to measure the speed on"
            if plan.seconds is None
            else f"{duration(plan.seconds)} with one worker on this machine"
            f" ({plan.faces_per_second:.0f} faces/s, measured on {plan.sampled})"
        )
        holder = "process" if plan.shards == 1 else f"copy of each of {plan.shards} shards"
        lines = {
            "faces": f"{plan.faces}" + (f", {plan.without_crop} without a crop" if plan.without_crop else ""),
            "time": time,
            "disk": f"{_size(plan.disk_bytes)} of {_size(plan.disk_free_bytes)} free",
            "memory": f"{_size(plan.index_bytes)} in each {holder} until the cleanup"
            f" ({_size(plan.new_index_bytes)} new, {_size(plan.memory_free_bytes)} available)",
        }
        for name, line in lines.items():
            out.print(f"  {name:7} {line}", highlight=False)
        if plan.without_crop:
            out.print("  Faces without a stored crop cannot be embedded again. They are skipped and listed.")
    for shortage in shortages:
        console.print(f"[yellow]too little room[/] {escape_text(shortage)}", highlight=False)


def print_comparison(gallery: str, comparison: dict[str, Any]) -> None:
    old, new = comparison["old"], comparison["new"]
    table = Table(escape_text(gallery), old["model"], new["model"])
    table.add_row("rank-1", *(_rate(side["rank1"], side.get("rank1_interval")) for side in (old, new)))
    for fpir in sorted(old["at_fpir"], key=float):
        points = [side["at_fpir"].get(fpir) for side in (old, new)]
        rates = [_rate(point["fnir"], point["interval"]) if point else "-" for point in points]
        table.add_row(f"FNIR at FPIR {float(fpir):g}", *rates)
        table.add_row("  threshold", *(f"{point['threshold']:.4f}" if point else "-" for point in points))
    table.add_row("skipped", str(old["skipped"]), str(new["skipped"]))
    out.print(table)
    faces, probes = comparison["faces"], comparison["probes"]
    drawn = f", {probes} of them as probes" if probes < faces else ""
    out.print(f"{faces} faces of {comparison['identities']} people{drawn}.", highlight=False)
    if old["at_fpir"]:
        between = comparison["disagreements"]
        out.print(
            f"At FPIR 0.01, {between['won']} searches succeed only with the new model, and"
            f" {between['lost']} only with the old one.",
            highlight=False,
        )
    else:
        out.print("Nobody has two faces here, so the error rates cannot be measured.")
    if disputed := comparison.get("disputed"):
        out.print(describe_disputed(disputed), highlight=False, soft_wrap=True)
    print_verdicts(comparison["gates"])


def describe_disputed(disputed: dict[str, int]) -> str:
    """Matches that somebody said to be wrong."""
    count, measured = disputed["count"], disputed["measured"]
    if not measured:
        disputed_count = quantity(count, "match was", "matches were")
        return (
            f"{disputed_count} disputed; none can be compared, for lack of a kept crop or of the old model."
        )
    return (
        f"Of {quantity(measured, 'disputed match', 'disputed matches')} whose crop is kept, the old model"
        f" would still match {disputed['old_matched']}, and the new one {disputed['new_matched']}."
    )


def print_verdicts(verdicts: Sequence[dict[str, Any]]) -> None:
    """On the acceptance criteria."""
    for verdict in verdicts:
        word = "[green]met[/]" if verdict["passed"] else "[red]not met[/]"
        reason = verdict.get("reason", "compared by an earlier version")
        out.print(f"  {escape_text(verdict['gate'])}: {word}, {reason}", highlight=False)


def print_sentence(sentence: str, job: "Status") -> None:
    """`sentence` may name fields of the job in braces."""
    values = {
        "gallery": job.gallery,
        "state": job.state,
        "from_model": job.from_model,
        "to_model": job.to_model,
    }
    _print_line(f"{job.gallery}: {sentence.format(**values)}")


def print_next_steps(jobs: "Sequence[Status]", verdicts: Mapping[UUID, Sequence[dict[str, Any]]]) -> None:
    """What an operator can do now. `verdicts`: on the acceptance criteria, by job, if it is ready."""
    for job in jobs:
        failed = [verdict for verdict in verdicts.get(job.id, []) if not verdict["passed"]]
        if job.word == "embedding":
            print_sentence(
                "started; `gemel worker` works on it, `gemel reindex watch -g {gallery}` shows progress", job
            )
        elif job.word == "ready" and not failed:
            print_sentence(
                "all acceptance criteria are met; see `gemel reindex compare -g {gallery}`, then `activate`",
                job,
            )
        elif job.word == "ready":
            print_sentence("these acceptance criteria are not met:", job)
            print_verdicts(failed)
            hint = f"`gemel reindex compare -g {job.gallery}` shows more; {OVERRIDE}."
            console.print(f"  {hint}", highlight=False, markup=False, soft_wrap=True)


def _print_line(text: str) -> None:
    out.print(text, highlight=False, markup=False, soft_wrap=True)


def _state(job: "Status") -> str:
    if job.word != job.state:
        return f"{job.word}\nat {job.state}"
    return job.state + (f"\n{workers(job.progress.workers)}" if job.progress.workers else "")


def _faces(job: "Status") -> str:
    done, total = job.progress.done, job.progress.total
    counted = f"{done}/{total}" if done < total else str(total)
    return counted + (f"\n{len(job.skipped)} skipped" if job.skipped else "")


def _size(bytes_: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if bytes_ >= unit:
            return f"{bytes_ / unit:.1f} {name}"
    return f"{bytes_ / 1e3:.0f} kB"


def _rate(value: float | None, interval: list[float] | None) -> str:
    if value is None or interval is None:
        return "-"
    return f"{value:.4f} ({interval[0]:.4f} to {interval[1]:.4f})"
