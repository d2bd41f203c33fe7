"""A process that is killed while it imports an uploaded export: another one does the rest, once."""

import signal
from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.embedding.card import ModelCard
from indexer.errors import LeaseLost
from indexer.pipeline.models import GalleryModels
from indexer.pipeline.pipeline import Pipeline
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.tables import Transfer
from indexer.records.transfer import jobs, leases
from indexer.settings import Settings
from indexer.transfer import export, faces, upload
from indexer.transfer import people as people_of_imports
from indexer.transfer.archive.manifest import NAME
from indexer.transfer.upload import Limits, Options
from indexer.transfer.uploaded import UploadedImport
from indexer.weights.store import WeightStore
from tests.support.faults.death import die_at
from tests.support.faults.forkserver import context
from tests.support.strangers import CARD
from tests.support.transfer.galleries import people, rows
from tests.support.transfer.mortal import export_staff, small_portions

STEPS = [
    "indexer.transfer.uploaded:check:after",
    "indexer.records.galleries:create:after",
    "indexer.transfer.people:_add:after:2",
    "indexer.records.transfer.faces:add:after:2",
    "indexer.records.transfer.leases:progress:before:9",
    "indexer.records.transfer.leases:finish:before",
    "indexer.records.transfer.leases:finish:after",
    "indexer.transfer.uploaded:UploadedImport._import:after",
]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "FACES_OF_A_GROUP", 6)
    monkeypatch.setattr(faces, "FACES_OF_A_TRANSACTION", 4)
    monkeypatch.setattr(people_of_imports, "PEOPLE_OF_A_TRANSACTION", 3)


def store() -> WeightStore:
    return WeightStore.of(Settings(_env_file=None))


def work(database: Database, worker: str) -> bool:
    """Whether there was a transfer to work on."""
    with database.transaction() as session:
        job = leases.claim(session, worker)
    if job is None:
        return False
    running(database, worker, job).run()
    return True


def running(database: Database, worker: str, job: Transfer) -> UploadedImport:
    def no_network(card: ModelCard) -> Pipeline:
        raise AssertionError(card.fingerprint)

    return UploadedImport(
        database=database,
        models=GalleryModels(database, CARD),
        weight_store=store(),
        pipeline=no_network,
        worker=worker,
        job=job,
        card=None,
    )


def work_and_die(step: str, url: str) -> None:
    small_portions()
    database = Database(url)
    die_at(step)
    work(database, "first")


def uploaded(database: Database, folder: Path) -> None:
    people(database, "staff")
    done = export_staff(database, folder)
    job, _ = upload.begin(
        database,
        GalleryModels(database, CARD),
        store(),
        "copy",
        (folder / NAME).read_bytes(),
        Options(),
        Limits(file_bytes=10**9, waiting_bytes=10**9),
    )
    complete = [
        upload.receive(database, "copy", job.id, file.name, (folder / file.name).read_bytes())
        for file in done.manifest.files
    ]
    assert complete == [False] * (len(complete) - 1) + [True]


def end_leases(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("UPDATE transfer SET leased_until = now() - interval '1 second'"))


@pytest.fixture(autouse=True)
def no_transfers(database: Database) -> None:
    with database.transaction() as session:
        session.execute(text("TRUNCATE transfer CASCADE"))


@pytest.mark.parametrize("step", STEPS)
def test_another_process_completes_it_and_nobody_is_there_twice(
    database: Database, migrated: str, tmp_path: Path, step: str
) -> None:
    uploaded(database, tmp_path / "export")
    process = context.Process(target=work_and_die, args=(step, migrated))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL, f"{step} was not reached"
    end_leases(database)

    assert work(database, "second") is not step.endswith("_import:after"), "it was complete already"

    assert rows(database, "copy") == rows(database, "staff")
    with database.reading() as session:
        [job] = jobs.newest_first(session, "copy", at_most=2)
        assert {gallery.name for gallery in galleries.list_all(session)} == {"copy", "staff"}
    assert (job.state, job.problem) == ("done", None)


def test_a_worker_that_was_frozen_stops_when_another_has_the_transfer(
    database: Database, tmp_path: Path
) -> None:
    uploaded(database, tmp_path / "export")
    with database.transaction() as session:
        frozen = leases.claim(session, "first")
    assert frozen is not None
    end_leases(database)
    assert work(database, "second")

    with pytest.raises(LeaseLost):
        running(database, "first", frozen).run()
    assert rows(database, "copy") == rows(database, "staff")


def test_an_import_that_kills_three_processes_has_failed(database: Database, tmp_path: Path) -> None:
    uploaded(database, tmp_path / "export")
    for number in range(leases.MAX_ATTEMPTS):
        with database.transaction() as session:
            assert leases.claim(session, f"worker {number}") is not None
        end_leases(database)

    assert not work(database, "fourth")

    with database.reading() as session:
        [job] = jobs.newest_first(session, "copy", at_most=2)
    assert job.state == "failed"
    assert job.problem == "the process that worked on it ended 3 times; its log says why"
