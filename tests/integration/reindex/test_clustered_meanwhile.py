"""A clustering and a re-index of one gallery at the same time, in either order."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi.testclient import TestClient

from indexer.calibration.resolver import CalibrationResolver
from indexer.gallery_jobs.clustering.run import ClusteringRun
from indexer.gallery_jobs.clustering.undo import UndoRun
from indexer.records import galleries
from indexer.records.gallery_jobs import jobs
from indexer.records.gallery_jobs.kinds import CLUSTERING
from indexer.records.tables import GalleryJob
from indexer.reindex import embed, steps, switch
from tests.support.pictures import jpeg, pixels
from tests.support.reindexing import NEW, OLD, PATH, Operator

OPTIONS = {"threshold": 0.6, "join_groups": False, "join_named": False, "dry_run": False}


@pytest.fixture
def unnamed(client: TestClient, hopper: bytes, collins: bytes) -> list[UUID]:
    """Grace Hopper twice and Eileen Collins once."""
    darker = jpeg((np.asarray(pixels(hopper)) * 0.8).astype(np.uint8))
    return [enrol(client, image) for image in (hopper, darker, collins)]


def enrol(client: TestClient, image: bytes) -> UUID:
    answer = client.post(f"{PATH}/identities", files={"images": image}, data={"anonymous": "true"})
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["id"])


def who(client: TestClient, image: bytes) -> tuple[UUID, str]:
    """The best candidate and the model."""
    answer = client.post(f"{PATH}/identify", files={"image": image}).raise_for_status().json()
    return UUID(answer["faces"][0]["candidates"][0]["identity"]["id"]), answer["model"]


def clustering(operator: Operator) -> ClusteringRun:
    with operator.database.transaction() as session:
        job = jobs.create(session, galleries.get(session, "staff"), CLUSTERING, OPTIONS, worker="here")
    resolver = CalibrationResolver(operator.database, operator.index_store.models, 0.01)
    return ClusteringRun(index_store=operator.index_store, calibrations=resolver, worker="here", job=job)


def undo(operator: Operator, done: GalleryJob) -> GalleryJob:
    with operator.database.transaction() as session:
        job = jobs.begin_undo(session, galleries.get(session, "staff"), done.id, worker="here")
    resolver = CalibrationResolver(operator.database, operator.index_store.models, 0.01)
    run = UndoRun(index_store=operator.index_store, calibrations=resolver, worker="here", job=job)
    return run.run()


@pytest.mark.parametrize("step", ["embed_chunk", "build", "on_gallery"])
def test_a_clustering_during_a_re_index_leaves_no_face_without_an_embedding(
    operator: Operator,
    client: TestClient,
    unnamed: list[UUID],
    hopper: bytes,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    module: Any = embed if step == "embed_chunk" else steps
    real = getattr(module, step)
    clustered: list[GalleryJob] = []

    def clustering_beside(*arguments: Any, **named: Any) -> Any:
        if step == "embed_chunk":
            done = real(*arguments, **named)  # embedded by the old keys, and recorded after the joins
        if not clustered:
            clustered.append(clustering(operator).run())
        return done if step == "embed_chunk" else real(*arguments, **named)

    monkeypatch.setattr(module, step, clustering_beside)
    job = operator.work(operator.start())
    job = operator.work(job)

    [done] = clustered
    assert (done.state, done.figures["joined"]) == ("done", 1)
    assert (job.row.state, job.row.problem) == ("ready", None)
    assert operator.embeddings(NEW.fingerprint) == operator.embeddings(OLD.fingerprint) == 3
    switch.activate(operator.database, job.row.id)
    assert who(client, hopper) == (unnamed[0], NEW.fingerprint)
    assert undo(operator, done).state == "undone"
    assert len(client.get(f"{PATH}/identities").json()["identities"]) == 3
    assert operator.clean()


@pytest.mark.parametrize("figure", ["compared", "groups"])
def test_a_model_that_is_switched_during_a_clustering_finds_the_joined_faces(
    operator: Operator, client: TestClient, unnamed: list[UUID], hopper: bytes, figure: str
) -> None:
    """The clustering ends with the groups that it has found by the model before."""
    run = clustering(operator)
    ready = operator.work(operator.work(operator.start()))
    assert ready.row.state == "ready"
    switched: list[object] = []

    def switch_once(figures: Mapping[str, Any]) -> None:
        if figure in figures and not switched:
            switched.append(switch.activate(operator.database, ready.row.id))

    run.observe = switch_once
    done = run.run()

    assert switched
    assert (done.state, done.figures["joined"]) == ("done", 1)
    assert who(client, hopper) == (unnamed[0], NEW.fingerprint)
    assert operator.embeddings(NEW.fingerprint) == operator.embeddings(OLD.fingerprint) == 3
    assert operator.clean()
    switch.rollback(operator.database, ready.row.id)
    assert who(client, hopper) == (unnamed[0], OLD.fingerprint)
    assert operator.clean()
