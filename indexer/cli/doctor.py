"""`gemel doctor`: problems, and what to do about them."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from indexer.cli.commands import Json
from indexer.cli.output import escape_text, out, print_result
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.doctor.examination import Examination

_STYLES = {"problem": "red", "warning": "yellow", "info": "cyan", "ok": "green"}
DEADLINE_SECONDS = 20.0


def doctor(json: Json = None) -> None:
    """Examine the installation: settings, disk, weights, PostgreSQL, indexes, keys, models, jobs.

    Changes nothing. Exits with status 1 if it finds a problem; warnings leave the status at 0.

    Example: `gemel doctor`
    """
    from indexer.doctor import every_check
    from indexer.records.database.session import Database
    from indexer.records.embedded import database_url

    settings = Settings()
    database = Database(database_url(settings), audit=settings.audit == "on")
    try:
        examination = every_check.doctor(settings, database, deadline_seconds=DEADLINE_SECONDS).examine()
    finally:
        database.close()
    value = {
        "level": examination.level,
        "at": examination.at.isoformat(),
        "findings": [asdict(finding) for finding in examination.findings],
    }
    print_result(value, json, lambda: _show(examination))
    if examination.level == "problem":
        raise SystemExit(1)


def _show(examination: "Examination") -> None:
    for finding in examination.findings:
        style = _STYLES[finding.level]
        head = f"[{style}]{finding.level:<8}[/][bold]{finding.check:<13}[/]"
        out.print(head + escape_text(finding.text), highlight=False, soft_wrap=True)
        if finding.advice:
            out.print(f"{'':21}[dim]{escape_text(finding.advice)}[/]", highlight=False, soft_wrap=True)
