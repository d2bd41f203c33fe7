"""The models of galleries: their weights here, their calibrations, and re-index jobs that wait."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from indexer.calibration import policy
from indexer.calibration.resolver import CalibrationResolver
from indexer.doctor.finding import Finding, ok
from indexer.errors import Misconfigured
from indexer.records import galleries, reindexes
from indexer.records.database import condition
from indexer.records.database.session import Database
from indexer.records.imports import jobs as imports
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.usecases.bootstrap import default_card
from indexer.weights.store import WeightStore

MODELS, JOBS = "models", "jobs"
STATEMENT_SECONDS = 3.0
LARGEST = 100
"""Galleries that are examined, the largest first."""
MANY_FACES = 500
"""A gallery with at least this many faces should have a calibration of its own."""
WAITING = timedelta(minutes=5)


def check_models(settings: Settings, database: Database) -> Iterator[Finding]:
    """Raises what `default_card` raises, about which `weights` has a finding too."""
    models = IndexStore.of(settings, database, default_card(settings)).models
    resolver = CalibrationResolver(database, models, settings.identify_fpir)
    weights = WeightStore.of(settings)
    with database.transaction() as session:
        condition.limit_statements(session, STATEMENT_SECONDS)
        examined = galleries.largest(session, limit=LARGEST)
    found = 0
    for gallery in examined:
        try:
            card = models.for_gallery(gallery)
        except Misconfigured as error:
            found += 1
            yield Finding(
                check=MODELS,
                level="problem",
                code=error.code,
                text=f"Gallery {gallery.name} cannot be searched on this machine: {error.message}.",
                advice="Install the model's files here, or move the gallery to another model.",
            )
            continue
        if not card.is_available(weights):
            found += 1
            yield Finding(
                check=MODELS,
                level="problem",
                code="weights_missing",
                text=f"The weights of {card.name}, the model of gallery {gallery.name}, are not on this"
                " machine.",
                advice=f"Run `gemel models fetch {card.name}`.",
            )
        status = policy.status(models, resolver, gallery)
        if status is not None and not status.decision.estimate.trusted:
            found += 1
            own = gallery.identify_fpir is not None
            yield Finding(
                check=MODELS,
                level="warning" if own or gallery.face_count >= MANY_FACES else "info",
                code="calibration_unsupported",
                text=f"Gallery {gallery.name} has {gallery.face_count:,} faces; its calibration"
                f" ({status.decision.calibration}) supports an FPIR of {status.decision.target:g} up to"
                f" {status.most_faces:,}. Beyond it, the share of false alarms is an extrapolation.",
                advice=f"Calibrate it: `gemel calibrate --gallery {gallery.name}`.",
            )
    if not found:
        yield ok(MODELS, "Every gallery's model is on this machine, and a calibration supports its policy.")


def check_jobs(database: Database, *, now: datetime | None = None) -> Iterator[Finding]:
    now = now or datetime.now(UTC)
    found = 0
    with database.transaction() as session:
        condition.limit_statements(session, STATEMENT_SECONDS)
        for job in reindexes.open_jobs(session)[:LARGEST]:
            row, what = job.row, f"The re-index of gallery {job.gallery.name} to {job.to_model}"
            if row.problem is not None:
                found += 1
                yield Finding(
                    check=JOBS,
                    level="problem",
                    code="reindex_stopped",
                    text=f"{what} has stopped: {row.problem}.",
                    advice=f"Remove the cause, then run `gemel reindex resume {row.id}`.",
                )
            elif row.state == "active":
                found += 1
                yield Finding(
                    check=JOBS,
                    level="info",
                    code="reindex_cleanup_due",
                    text=f"{what} is active; every enrolment still embeds with both models.",
                    advice=f"When you are sure of the new model, run `gemel reindex cleanup {row.id}`.",
                )
            elif (
                row.state == "embedding"
                and not row.paused
                and now - row.created_at > WAITING
                and reindexes.progress_of(session, row.id).workers == 0
            ):
                found += 1
                yield Finding(
                    check=JOBS,
                    level="warning",
                    code="reindex_without_worker",
                    text=f"{what} has no worker.",
                    advice="Start a worker: `gemel worker`.",
                )
        for imported, name in imports.open_newest_first(session, patterns=None, before=None, at_most=LARGEST):
            if imported.problem is not None:
                found += 1
                yield Finding(
                    check=JOBS,
                    level="warning",
                    code="import_stopped",
                    text=f"An import into gallery {name} cannot continue: {imported.problem}.",
                    advice="Remove the cause, or cancel the import: `gemel imports cancel`.",
                )
            if imported.waits_for is not None:
                found += 1
                yield Finding(
                    check=JOBS,
                    level="warning",
                    code="import_waits",
                    text=f"The files of an import into gallery {name} wait: {imported.waits_for}.",
                    advice="Do so on the machine of a server; the import continues by itself. Or change the"
                    " gallery's policy, or cancel the import: `gemel imports cancel`.",
                )
    if not found:
        yield ok(JOBS, "No job needs attention.")
