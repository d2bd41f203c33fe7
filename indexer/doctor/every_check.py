"""All checks, in the order in which they are made, for the command line and the API."""

from collections.abc import Callable
from functools import partial

from indexer.doctor.checks import (
    access,
    certificate,
    machine,
    models,
    postgresql,
    processes,
    settings,
    weights,
)
from indexer.doctor.examination import DEADLINE_SECONDS, Check, Doctor
from indexer.records.database.session import Database
from indexer.settings import Settings


def doctor(
    configuration: Settings,
    database: Database,
    *,
    own_problem: Callable[[], str | None] = lambda: None,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Doctor:
    """`own_problem`: of a process that serves, why one of its threads does not do its work."""
    of_machine: dict[str, Check] = {
        settings.CHECK: partial(settings.check, configuration),
        machine.DISK: partial(machine.check_disk, configuration),
        machine.MEMORY: machine.check_memory,
        certificate.CHECK: partial(certificate.check, configuration),
        weights.CHECK: partial(weights.check, configuration),
    }
    of_database: dict[str, Check] = {
        postgresql.DATABASE: partial(postgresql.check, database),
        postgresql.SCHEMA: partial(postgresql.check_schema, database),
        processes.PROCESSES: partial(processes.check_processes, database, own_problem),
        processes.INDEXES: partial(processes.check_indexes, database),
        access.KEYS: partial(access.check_keys, configuration, database),
        access.AUDIT: partial(access.check_audit, database),
        models.MODELS: partial(models.check_models, configuration, database),
        models.JOBS: partial(models.check_jobs, database),
    }
    return Doctor([of_database, of_machine], deadline_seconds=deadline_seconds)
