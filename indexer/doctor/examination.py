"""Runs the checks. A check cannot block the others: if it does not end in time, that is itself a finding."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from indexer.doctor.finding import LEVELS, Finding, Level
from indexer.errors import DatabaseNotMigrated, DatabaseUnavailable, GemelError

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 5.0
FRESH_SECONDS = 2.0
"""Callers within this time share one examination."""

Check = Callable[[], Iterable[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    at: datetime
    seconds: float
    findings: list[Finding]
    """The worst first, else in the order of the checks."""

    @property
    def level(self) -> Level:
        """The worst of its findings."""
        return min((finding.level for finding in self.findings), key=LEVELS.index, default="ok")


@dataclass(slots=True)
class _Run:
    """A sequence of checks in a thread of its own."""

    checks: Mapping[str, Check]
    findings: list[Finding] = field(default_factory=list)
    current: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        threading.Thread(target=self._run, name="doctor", daemon=True).start()

    def _run(self) -> None:
        try:
            for name, check in self.checks.items():
                self.current = name
                if not self._try(name, check):
                    return
        finally:
            self.ended.set()

    def _try(self, name: str, check: Check) -> bool:
        """False where the checks after it are pointless."""
        try:
            self.findings.extend(check())
        except GemelError as error:
            if not any(finding.code == error.code for finding in self.findings):
                others = ", nor the checks after it" if _ends(error) else ""
                text = f"Not checked{others}: {error.message}."
                self.findings.append(Finding(check=name, level="problem", code=error.code, text=text))
            return not _ends(error)
        except Exception:  # a fault of the check, which must not hide the other findings
            log.exception("the check %s of the doctor failed", name)
            self.findings.append(
                Finding(
                    check=name,
                    level="warning",
                    code="check_failed",
                    text="Not checked: an unexpected error, whose traceback is in the log.",
                    advice="Report it with the traceback.",
                )
            )
        return True


def _ends(error: GemelError) -> bool:
    return isinstance(error, DatabaseUnavailable | DatabaseNotMigrated)


class Doctor:
    """Thread-safe. Checks that depend on the same thing run one after the other, such as those that query
    PostgreSQL; the others run at the same time."""

    def __init__(
        self, sequences: Sequence[Mapping[str, Check]], *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> None:
        self._sequences = sequences
        self._deadline_seconds = deadline_seconds
        self._lock = threading.Lock()
        self._stuck: dict[int, _Run] = {}
        """Runs that have not ended in time. They are not started again before they end: a disk that hangs
        holds one thread, not one for each caller."""
        self._last: Examination | None = None
        self._examined_at = float("-inf")

    def examine(self) -> Examination:
        """Takes as long as the checks, or the deadline."""
        with self._lock:
            if self._last is None or time.monotonic() - self._examined_at >= FRESH_SECONDS:
                self._last = self._examine()
                self._examined_at = time.monotonic()
            return self._last

    def _examine(self) -> Examination:
        start = time.monotonic()
        runs = []
        for number, checks in enumerate(self._sequences):
            run = self._stuck.get(number)
            if run is None or run.ended.is_set():
                run = _Run(checks)
                run.start()
            runs.append(run)
        self._stuck = {}
        found: list[Finding] = []
        for number, run in enumerate(runs):
            ended = run.ended.wait(max(0.0, start + self._deadline_seconds - time.monotonic()))
            found += list(run.findings)
            if not ended:
                self._stuck[number] = run
                found.append(self._unfinished(run.current))
        found.sort(key=lambda finding: LEVELS.index(finding.level))
        return Examination(at=datetime.now(UTC), seconds=time.monotonic() - start, findings=found)

    def _unfinished(self, check: str) -> Finding:
        return Finding(
            check=check,
            level="problem",
            code="check_unfinished",
            text=f"It did not end within {self._deadline_seconds:g} s; the checks after it did not run.",
            advice="Find what does not answer: a disk, the network, or PostgreSQL.",
        )
