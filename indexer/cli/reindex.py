"""`gemel reindex ...` and `gemel worker`: another model for a gallery, while everybody keeps working."""

import json as jsonlib
import logging
import signal
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from indexer.cli.opened import opened
from indexer.cli.output import Json, console, out, print_json, progress_bar
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.recognition.opening import Opener
    from indexer.recognition.reindex.status import Status
    from indexer.records.reindexes import Job

NAMED = 20
"""Skipped faces that a table shows; JSON has more."""

app = typer.Typer(
    help="Bring a gallery to another model: embed, compare, switch, switch back.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Of = Annotated[str | None, typer.Option("--gallery", "-g", help="Whose job; by default the only open one.")]
Force = Annotated[str | None, typer.Option(help="Why, over gates and processes; it is recorded.")]
_POLL_SECONDS = 0.5


@app.command()
def start(
    to: Annotated[str, typer.Option(help="The model: sface, dlib-resnet, or onnx:PATH.")],
    gallery: Annotated[str | None, typer.Option("--gallery", "-g", help="By default all.")] = None,
    gate: Annotated[
        list[str] | None, typer.Option(help="Such as fnir@0.01<=old, rank1>=0.95, skipped<=0.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would take.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Work on it here, to the end.")] = False,
    force: Annotated[bool, typer.Option(help="Even where there seems to be too little room.")] = False,
    json: Json = False,
) -> None:
    """Begin a re-index. Workers (`gemel worker`) do it; with --wait this command does.

    Example: `gemel reindex start --to dlib-resnet --gallery staff --wait`
    """
    from indexer.embedding import catalog
    from indexer.recognition.assembly import open_eye
    from indexer.recognition.reindex import gates as gating
    from indexer.recognition.reindex import plan as planning
    from indexer.recognition.reindex import switching
    from indexer.records import galleries

    settings = Settings()
    gates = gate or list(gating.DEFAULT)
    gating.check(gates)
    card = catalog.named(to, mirror=settings.mirror)
    with opened(settings) as opener, open_eye(settings) as eye:
        camera = eye.camera(card)
        with opener.database.reading() as session:
            every = [galleries.get(session, gallery)] if gallery else galleries.all_of_them(session)
        every = [one for one in every if opener.of_gallery(one).card != card or gallery]
        plans = [planning.make(settings, opener, one, camera) for one in every]
        if dry_run:
            print_json([asdict(plan) for plan in plans]) if json else _print_plans(plans)
            return
        jobs = [
            switching.start(opener.database, opener.models, one, card, plan, gates=gates, force=force)
            for one, plan in zip(every, plans, strict=True)
        ]
        if wait:
            _work(opener, eye, jobs)
        begun = [_described(opener, job) for job in jobs]
    if json:
        print_json(_json(begun))
    else:
        _print_plans(plans)
        _print_jobs(begun)
        if not wait and begun:
            console.print("It is begun. Workers do it: `gemel worker`; look on with `gemel reindex watch`.")
    if any(job.problem for job in begun):
        raise SystemExit(1)


@app.command()
def status(gallery: Of = None, json: Json = False) -> None:
    """All jobs, the newest first, or with --gallery one with what happened to it."""
    from indexer.records import galleries, reindexes

    with opened(Settings()) as opener:
        with opener.database.reading() as session:
            found = galleries.get(session, gallery) if gallery else None
            jobs = reindexes.all_of_them(session, found.id if found else None)
        rows = [_described(opener, job) for job in jobs]
    print_json(_json(rows)) if json else _print_jobs(rows, events=gallery is not None)


@app.command()
def watch(gallery: Of = None) -> None:
    """Follow a job until it waits for somebody."""
    with opened(Settings()) as opener:
        job = _job(opener, gallery)
        _follow(opener, [job])
        row = _described(opener, job)
    _print_jobs([row], events=True)
    if row.problem:
        raise SystemExit(1)


def _simple(name: str, what: str) -> None:
    def command(gallery: Of = None, json: Json = False) -> None:
        from indexer.recognition.assembly import open_eye
        from indexer.recognition.reindex import switching

        settings = Settings()
        with opened(settings) as opener:
            job = getattr(switching, name)(opener.database, _job(opener, gallery).row.id)
            if name in ("cancel", "cleanup"):
                with open_eye(settings) as eye:
                    _work(opener, eye, [job])
            row = _described(opener, job)
        print_json(_json([row])[0]) if json else _print_jobs([row])

    command.__doc__ = what
    app.command(name)(command)


for _name, _what in (
    ("pause", "Workers leave the job alone."),
    ("resume", "Workers go on, also after a problem."),
    ("cancel", "Give the new model up and delete what it made."),
    ("cleanup", "Give the old model up and delete what it made: there is no way back."),
):
    _simple(_name, _what)


def _switch(name: str, what: str) -> None:
    def command(gallery: Of = None, force: Force = None, json: Json = False) -> None:
        from indexer.recognition.reindex import switching

        with opened(Settings()) as opener:
            job = getattr(switching, name)(opener.database, _job(opener, gallery).row.id, force=force)
            row = _described(opener, job)
        print_json(_json([row])[0]) if json else _print_jobs([row])

    command.__doc__ = what
    app.command(name)(command)


for _name, _what in (
    ("activate", "Search with the new model from now on. Refused where gates are not passed."),
    ("rollback", "Search with the old model again; nothing that was enrolled since is lost."),
):
    _switch(_name, _what)


@app.command()
def compare(
    gallery: Of = None,
    output: Annotated[Path | None, typer.Option("-o", help="Write all of it there, as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures and faces there.")] = None,
    json: Json = False,
) -> None:
    """How the two models do on the gallery itself, and what the gates say.

    Example: `gemel reindex compare --gallery staff --html comparison.html`
    """
    from indexer.jobs.reindex import report
    from indexer.recognition.reindex import status as status_of

    with opened(Settings()) as opener:
        job = _job(opener, gallery)
        found = status_of.comparison(opener.database, job.row.id)
        if html is not None:
            html.write_text(report.render(opener.database, job, found), "utf-8")
    if output is not None:
        output.write_text(jsonlib.dumps(found, indent=2))
    print_json(found) if json else _print_comparison(found)


def worker() -> None:
    """Work on re-index jobs, until it is told to end. Any number of them may run, on any machines.

    Example: `gemel worker`
    """
    from indexer.jobs.reindex.worker import Worker
    from indexer.recognition.assembly import open_eye

    logging.getLogger("indexer").setLevel(logging.INFO)
    settings = Settings()
    with opened(settings) as opener, open_eye(settings) as eye:
        working = Worker(opener, eye)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: working.stop())
        console.print(f"Worker {working.name} waits for work.", highlight=False)
        working.run()


def _job(opener: "Opener", gallery: str | None) -> "Job":
    from indexer.errors import InvalidRequest, ReindexNotFound
    from indexer.records import galleries, reindexes

    with opener.database.reading() as session:
        found = galleries.get(session, gallery).id if gallery else None
        jobs = [j for j in reindexes.all_of_them(session, found) if j.row.state not in reindexes.CLOSED]
    if not jobs:
        raise ReindexNotFound("no re-index job is open" + (f" in {gallery!r}" if gallery else ""))
    if len(jobs) > 1:
        raise InvalidRequest("several jobs are open: say which with --gallery", field="gallery")
    return jobs[0]


def _again(opener: "Opener", job: "Job") -> "Job":
    from indexer.records import reindexes

    with opener.database.reading() as session:
        return reindexes.get(session, job.row.id)


def _work(opener: "Opener", eye: Any, jobs: "list[Job]") -> None:
    """Here, in this process, while the progress is shown."""
    import threading

    from indexer.jobs.reindex.worker import Worker
    from indexer.recognition.reindex import status as status_of

    working = Worker(opener, eye)
    looker = threading.Thread(target=_follow, args=(opener, jobs), name="progress", daemon=True)
    looker.start()
    working.run(until=lambda: all(status_of.resting(_again(opener, job)) for job in jobs))
    looker.join()


def _follow(opener: "Opener", jobs: "list[Job]") -> None:
    from indexer.recognition.reindex import status as status_of
    from indexer.records import reindexes

    with progress_bar() as bar:
        tasks = {job.row.id: bar.add_task(job.gallery.name, total=None) for job in jobs}
        waiting = list(jobs)
        while waiting:
            for job in list(waiting):
                now = _again(opener, job)
                with opener.database.reading() as session:
                    done = reindexes.progress(session, job.row.id)
                rate = "" if done.rate is None else f", {done.rate:.0f} faces/s"
                said = now.row.problem or ("paused" if now.row.paused else now.row.state)
                bar.update(
                    tasks[job.row.id],
                    description=f"{job.gallery.name}: {said}{rate}",
                    total=done.total,
                    completed=done.done,
                )
                if status_of.resting(now):
                    waiting.remove(job)
            if waiting:
                time.sleep(_POLL_SECONDS)


def _described(opener: "Opener", job: "Job") -> "Status":
    from indexer.recognition.reindex import status as status_of

    return status_of.of(opener.database, job.row.id)


def _json(rows: "Sequence[Status]") -> list[dict[str, Any]]:
    return [asdict(row) | {"seconds_left": row.progress.seconds_left} for row in rows]


def _print_jobs(rows: "Sequence[Status]", *, events: bool = False) -> None:
    if not rows:
        out.print("There are no re-index jobs.")
        return
    table = Table("Gallery", "From", "To", "State", "Faces", "Skipped", "Workers")
    for row in rows:
        done = row.progress
        count = f"{done.done}/{done.total}"
        table.add_row(
            row.gallery,
            row.from_model,
            row.to_model,
            row.said,
            count,
            str(len(row.skipped)),
            str(done.workers),
        )
    out.print(table)
    for row in rows:
        if row.problem:
            console.print(f"[red]{row.gallery}[/]: {escape(row.problem)}", highlight=False)
        for skipped in row.skipped[:NAMED] if events else []:
            out.print(f"  skipped: face {skipped.face}: {escape(skipped.why)}", highlight=False)
        for event in row.events if events else []:
            out.print(f"  {event.at:%Y-%m-%d %H:%M:%S}  {event.text}", highlight=False, markup=False)


def _print_plans(plans: list[Any]) -> None:
    for plan in plans:
        time_needed = "unknown" if plan.seconds is None else f"{plan.seconds:.0f} s with one worker"
        out.print(
            f"{plan.gallery}: {plan.faces} faces to {plan.to_model}, {time_needed};"
            f" {plan.without_crop} without a stored crop;"
            f" disk {plan.disk_bytes / 1e6:.0f} MB, index memory {plan.index_bytes / 1e6:.0f} MB a process",
            highlight=False,
            soft_wrap=True,
        )


def _print_comparison(found: dict[str, Any]) -> None:
    old, new = found["old"], found["new"]
    table = Table("", old["model"], new["model"])
    table.add_row("rank-1", *(_rate(side["rank1"], side.get("rank1_interval")) for side in (old, new)))
    for fpir in old["at_fpir"]:
        points = [side["at_fpir"].get(fpir) for side in (old, new)]
        shown = [_rate(point["fnir"], point["interval"]) if point else "-" for point in points]
        table.add_row(f"FNIR at FPIR {float(fpir):g}", *shown)
        table.add_row("  threshold", *(f"{point['threshold']:.4f}" if point else "-" for point in points))
    table.add_row("skipped", str(old["skipped"]), str(new["skipped"]))
    out.print(table)
    between = found["disagreements"]
    out.print(
        f"{found['faces']} faces of {found['identities']} people; at FPIR 0.01 the new model finds"
        f" {between['won']} that the old one misses, and misses {between['lost']} that it finds."
    )
    for gate in found["gates"]:
        verdict = "[green]passed[/]" if gate["passed"] else "[red]not passed[/]"
        out.print(f"  {gate['gate']}: {verdict}", highlight=False)


def _rate(value: float | None, interval: list[float] | None) -> str:
    if value is None or interval is None:
        return "-"
    return f"{value:.4f} ({interval[0]:.4f} to {interval[1]:.4f})"
