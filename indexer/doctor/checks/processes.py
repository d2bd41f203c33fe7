"""The serving processes and their indexes, as they report them."""

from collections.abc import Callable, Iterator

from indexer.doctor.finding import Finding, ok
from indexer.records import index_checks, replicas
from indexer.records.database import condition
from indexer.records.database.session import Database
from indexer.records.replicas import TroubledIndex

PROCESSES, INDEXES = "processes", "indexes"
STATEMENT_SECONDS = 3.0
LARGE_LAG = 1_000
MAX_NAMED = 5


def check_processes(database: Database, own_problem: Callable[[], str | None]) -> Iterator[Finding]:
    """`own_problem`: why a thread of this process does not do its work."""
    with database.transaction() as session:
        condition.limit_statements(session, STATEMENT_SECONDS)
        processes = replicas.list_processes(session)
    problem = own_problem()
    if problem is not None:
        yield Finding(
            check=PROCESSES,
            level="problem",
            code="process_stuck",
            text=f"In this process, {problem}.",
            advice="If this persists, restart the process; its log has the reason.",
        )
    versions = sorted({process.version for process in processes})
    if len(versions) > 1:
        yield Finding(
            check=PROCESSES,
            level="warning",
            code="process_versions",
            text=f"Serving processes have different versions: {', '.join(versions)}.",
            advice="Finish the upgrade: restart the older ones.",
        )
    if not processes:
        yield Finding(check=PROCESSES, level="info", code="process_none", text="No process is serving.")
    elif problem is None and len(versions) == 1:
        serving = _count(len(processes), "process", "processes")
        hosts = _count(len({process.host for process in processes}), "host")
        yield ok(
            PROCESSES,
            f"{serving} on {hosts}, version {versions[0]}.",
        )


def check_indexes(database: Database) -> Iterator[Finding]:
    with database.transaction() as session:
        condition.limit_statements(session, STATEMENT_SECONDS)
        troubled = replicas.list_troubled(session, lag=LARGE_LAG, limit=100)
        different = replicas.list_different(session, limit=100)
        checked = replicas.count(session)
        wrong = index_checks.list_different(session, limit=100)
    failed = [index for index in troubled if index.state == "failed"]
    behind = [index for index in troubled if index.state != "failed" and index.lag >= LARGE_LAG]
    short = [index for index in troubled if index.state != "failed" and index.problem]
    for index in failed[:MAX_NAMED]:
        yield Finding(
            check=INDEXES,
            level="problem",
            code="index_failed",
            text=f"Gallery {index.gallery} cannot be searched by {_process(index)}:"
            f" {index.problem or 'its index is not kept up to date'}.",
            advice="The process tries again automatically. If this persists, read its log.",
        )
    for gallery in different[:MAX_NAMED]:
        yield Finding(
            check=INDEXES,
            level="problem",
            code="index_differs",
            text=f"Processes have different indexes of gallery {gallery} at the same change.",
            advice=f"Find out which is wrong with `gemel index verify --gallery {gallery}`, and rebuild it.",
        )
    for gallery, at, count in wrong[:MAX_NAMED]:
        where = _count(count, "process", "processes")
        yield Finding(
            check=INDEXES,
            level="problem",
            code="index_wrong",
            text=f"The index of gallery {gallery} differed from PostgreSQL in {where},"
            f" at {at:%Y-%m-%d %H:%M} UTC.",
            advice=f"Run `gemel index rebuild --gallery {gallery}`, then compare again.",
        )
    for index in behind[:MAX_NAMED]:
        yield Finding(
            check=INDEXES,
            level="warning",
            code="index_lag",
            text=f"The index of gallery {index.gallery} in {_process(index)} lacks {index.lag:,} changes.",
            advice="The next search applies the changes first. If this persists, read the log.",
        )
    for index in short[:MAX_NAMED]:
        yield Finding(
            check=INDEXES,
            level="warning",
            code="index_shortfall",
            text=f"The index of gallery {index.gallery} in {_process(index)}: {index.problem}.",
            advice="Searches work, but may be slower.",
        )
    if not troubled and not different and not wrong:
        none = "No index is open; the next search in a gallery opens its index."
        some = f"{_count(checked, 'index', 'indexes')} open, none behind or failed."
        yield ok(INDEXES, some if checked else none)


def _count(number: int, noun: str, plural: str | None = None) -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _process(index: TroubledIndex) -> str:
    return f"process {index.pid} on {index.host}"
