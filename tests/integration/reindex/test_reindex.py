"""A gallery is re-indexed and rolled back while it is searched and enrolled into."""

import itertools
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update

from indexer.embedding.batching import BatchingEmbedder
from indexer.errors import (
    DatabaseUnavailable,
    GatesNotPassed,
    InvalidRequest,
    NotEnoughRoom,
    ReindexExists,
    ReindexState,
)
from indexer.pipeline.pipeline import Pipeline
from indexer.records import galleries, reindexes
from indexer.records.tables import Face, Reindex, ReindexChunk
from indexer.reindex import control, switch
from indexer.reindex import plan as plans
from indexer.reindex.comparison import acceptance, compare, page, paired_embeddings
from indexer.reindex.worker import Worker
from indexer.replica import verification
from tests.support.pictures import jpeg, pixels
from tests.support.reindexing import NEW, OLD, PATH, Operator, answered_by, asked_all_the_time, enrol, who


def test_activate_rollback_and_activate_lose_nobody_and_fail_no_request(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes
) -> None:
    enrol(client, "Grace", hopper)
    with asked_all_the_time(client, hopper) as answers:
        job = operator.start(gates=acceptance.DEFAULT)
        enrol(client, "Eileen", collins)  # while nobody has embedded anything yet
        job = operator.work(job)
        assert job.row.state == "ready", job.row.problem
        with pytest.raises(GatesNotPassed, match="cannot be measured"):
            switch.activate(operator.database, job.row.id)
        answered_by(answers, OLD.fingerprint)
        switch.activate(operator.database, job.row.id, force="nobody has two faces")
        answered_by(answers, NEW.fingerprint)
        assert who(client, hopper) == ("Grace", NEW.fingerprint)
        assert who(client, collins) == ("Eileen", NEW.fingerprint)
        again = enrol(client, "Grace again", hopper)
        switch.rollback(operator.database, job.row.id)
        answered_by(answers, OLD.fingerprint)
        assert who(client, collins) == ("Eileen", OLD.fingerprint)
        verdict = client.post(f"{PATH}/identities/{again}/verify", files={"image": hopper}).json()
        assert (verdict["matched"], verdict["model"]) == (True, OLD.fingerprint), (
            "enrolled with the new model"
        )
        client.delete(f"{PATH}/identities/{again}").raise_for_status()
        switch.activate(operator.database, job.row.id, force="once more")
        answered_by(answers, NEW.fingerprint)
        control.cleanup(operator.database, job.row.id)
        assert operator.work(job).row.state == "done"
        assert who(client, collins) == ("Eileen", NEW.fingerprint)

    assert {name for name, _ in answers} <= {"Grace", "Grace again"}, answers
    models = [model for _, model in answers]
    changes = sum(a != b for a, b in itertools.pairwise(models))
    assert changes == 3, "activated, rolled back, activated"
    assert operator.embeddings(OLD.fingerprint) == 0
    assert operator.embeddings(NEW.fingerprint) == 2
    with operator.database.reading() as session:
        gallery = galleries.get(session, "staff")
        texts = [event.text for event in reindexes.events(session, job.row.id)]
    assert verification.verify(operator.index_store.of_gallery(gallery), gallery).clean
    assert any("nobody has two faces" in text for text in texts), "the reason is recorded"


def test_the_page_shows_people_whom_only_one_of_the_models_finds(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes
) -> None:
    grace = enrol(client, "Grace <b>Hopper</b>", hopper)
    client.post(
        f"{PATH}/identities/{grace}/faces", files={"images": jpeg(pixels(hopper), 60)}
    ).raise_for_status()
    enrol(client, "Eileen", collins)
    job = operator.work(operator.start())
    with operator.database.reading() as session:
        found = reindexes.comparison(session, job.row.id)
        assert found is not None
        [first, second, other] = session.scalars(select(Face.key).order_by(Face.key)).all()
    found["disagreements"] = {
        "won": 1,
        "lost": 1,
        "examples": [
            {"kind": "won", "face": first, "old_answer": other, "new_answer": second},
            {"kind": "lost", "face": second, "old_answer": first, "new_answer": other + 1},
        ],
    }

    html = page.render(operator.database, job, found)

    assert html.count("data:image/jpeg;base64,") == 5, "one of six faces was deleted meanwhile"
    assert html.count("data:image/png;base64,") == 2, "scores and DET"
    assert "Grace &lt;b&gt;Hopper&lt;/b&gt;" in html
    assert (html.count("the same person"), html.count("somebody else")) == (2, 1)
    assert "nobody, or deleted since" in html
    assert 'src="http' not in html, "it needs no other file"


def test_a_plan_says_what_a_job_takes_and_what_the_gallery_cannot_show_and_starts_nothing(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes
) -> None:
    grace = enrol(client, "Grace", hopper)
    client.post(
        f"{PATH}/identities/{grace}/faces", files={"images": jpeg(pixels(hopper), 60)}
    ).raise_for_status()
    enrol(client, "Eileen", collins)
    wanted = {"gallery": "staff", "to": "dlib-resnet"}

    plan = client.post("/v1/reindexes/plan", json=wanted)
    assert plan.status_code == 200, plan.text
    body = plan.json()
    assert (body["from_model"], body["to_model"]) == (OLD.fingerprint, NEW.fingerprint)
    assert (body["faces"], body["faces_without_crop"]) == (3, 0)
    assert body["faces_per_second"] > 0
    assert body["seconds"] == pytest.approx(3 / body["faces_per_second"])
    rate, count = body["gates"]
    assert (rate["gate"], rate["measurable"], rate["people"]) == ("fnir@0.01<=old", False, 1)
    assert rate["people_needed"] == 59
    assert (count["gate"], count["measurable"], count["people"]) == ("skipped<=0", True, None)
    assert client.get("/v1/reindexes").json()["reindexes"] == []
    assert client.post("/v1/reindexes/plan", json=wanted | {"to": "sface"}).status_code == 422
    operator.start()
    assert client.post("/v1/reindexes/plan", json=wanted).json()["code"] == "reindex_exists"


def test_an_example_of_a_comparison_names_the_people_on_its_faces_as_they_are_now(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes
) -> None:
    grace = enrol(client, "Grace", hopper)
    eileen = enrol(client, "Eileen", collins)
    job = operator.work(operator.start())
    with operator.database.transaction() as session:
        found = reindexes.comparison(session, job.row.id)
        assert found is not None
        first, other = session.scalars(select(Face.key).order_by(Face.key)).all()
        example = {"kind": "won", "face": first, "old_answer": other, "new_answer": other + 1}
        found["disagreements"] = {"won": 1, "lost": 0, "examples": [example]}
        session.execute(update(Reindex).values(comparison=found))
    client.patch(f"{PATH}/identities/{eileen}", json={"name": "Eileen Collins"}).raise_for_status()

    [shown] = client.get(f"/v1/reindexes/{job.row.id}/comparison").json()["disagreements"]["examples"]

    people = shown["people"]
    assert (people["probe"]["identity_id"], people["probe"]["name"]) == (grace, "Grace")
    assert (people["old"]["identity_id"], people["old"]["name"]) == (eileen, "Eileen Collins")
    assert people["new"] is None, "there is no such face any more"
    for side in ("probe", "old"):
        crop = client.get(
            f"{PATH}/identities/{people[side]['identity_id']}/faces/{people[side]['face_id']}/crop"
        )
        assert crop.headers["content-type"] == "image/jpeg"


def test_the_api_takes_a_job_from_its_start_to_its_end(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    enrol(client, "Grace", hopper)
    started = client.post(
        "/v1/reindexes", json={"gallery": "staff", "to": "dlib-resnet", "gates": ["skipped<=0"]}
    )
    assert started.status_code == 202, started.text
    path = f"/v1/reindexes/{started.json()['id']}"
    early = [
        client.get(f"{path}/comparison"),
        client.post(f"{path}/activate"),
        client.post(f"{path}/cleanup"),
    ]
    paused = client.post(f"{path}/pause").json()
    metrics_paused = client.get("/metrics").text
    resumed = client.post(f"{path}/resume").json()
    with operator.database.reading() as session:
        [job] = reindexes.newest_first(session)
    operator.work(job)
    ready = client.get(path).json()
    metrics_ready = client.get("/metrics").text
    compared = client.get(f"{path}/comparison").json()
    activated = client.post(f"{path}/activate").json()
    found = who(client, hopper)
    back = client.post(f"{path}/rollback").json()
    again = client.post(f"{path}/activate").json()
    client.post(f"{path}/cleanup").raise_for_status()
    operator.work(job)

    assert [answer.json()["code"] for answer in early] == ["reindex_state"] * 3
    assert (paused["paused"], resumed["paused"]) == (True, False)
    assert (ready["state"], ready["faces"], ready["embedded"]) == ("ready", 1, 1)
    assert compared["new"]["model"] == NEW.fingerprint
    assert [answer["state"] for answer in (activated, back, again)] == ["active", "ready", "active"]
    assert found == ("Grace", NEW.fingerprint)
    assert client.get("/v1/reindexes").json()["reindexes"][0]["state"] == "done"
    of = f'{{gallery="staff",to_model="{NEW.fingerprint}"}}'
    assert {f"gemel_reindex_stopped{of} 1.0", f"gemel_reindex_faces{of} 1.0"} <= set(
        metrics_paused.splitlines()
    )
    assert {
        f"gemel_reindex_stopped{of} 0.0",
        f"gemel_reindex_faces_done{of} 1.0",
        f'gemel_reindex_state{{gallery="staff",state="ready",to_model="{NEW.fingerprint}"}} 1.0',
    } <= set(metrics_ready.splitlines())
    assert "gemel_reindex_faces{" not in client.get("/metrics").text, "the job has ended"
    missing = client.get("/v1/reindexes/019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11")
    assert (missing.status_code, missing.json()["code"]) == (404, "reindex_not_found")


def test_a_second_job_and_the_gallerys_present_model_are_rejected(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.start()

    with pytest.raises(ReindexExists):
        operator.start()
    with pytest.raises(ReindexState):
        switch.activate(operator.database, job.row.id, force="too early")
    control.cancel(operator.database, job.row.id)
    assert operator.work(job).row.state == "cancelled"
    assert operator.embeddings(NEW.fingerprint) == 0
    with pytest.raises(InvalidRequest, match="already"):
        plan = operator.plan()
        with operator.database.reading() as session:
            gallery = galleries.get(session, "staff")
        control.start(operator.database, operator.index_store.models, gallery, OLD, plan)


def test_faces_that_cannot_be_embedded_are_skipped_and_listed_and_delay_no_other(
    operator: Operator,
    client: TestClient,
    hopper: bytes,
    collins: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One crop is damaged on the disk, with another the model gives NaN."""
    enrol(client, "Grace", hopper)
    damaged = enrol(client, "Damaged", collins)
    with operator.database.transaction() as session:
        session.execute(update(Face).where(Face.identity_id == damaged).values(crop=b"\xff\xd8no jpeg"))
    job = operator.work(operator.start())

    assert job.row.state == "ready", job.row.problem
    with operator.database.reading() as session:
        [(_, owner, why)] = reindexes.problems(session, job.gallery.id, job.row.to_model_id, at_most=9)
        found = reindexes.comparison(session, job.row.id)
    assert str(owner) == damaged
    assert why
    assert found is not None
    assert found["new"]["skipped"] == 1
    with pytest.raises(GatesNotPassed, match="skipped"):
        switch.activate(operator.database, job.row.id)
    switch.activate(operator.database, job.row.id, force="they come again tomorrow")
    assert who(client, hopper)[0] == "Grace"

    switch.rollback(operator.database, job.row.id)
    assert who(client, collins) == ("Damaged", OLD.fingerprint), "the old model still finds them"


def test_nan_from_a_model_is_a_problem_of_the_one_face(
    operator: Operator, client: TestClient, hopper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(client, "Grace", hopper)
    pipeline: Pipeline = operator.factory.pipeline(NEW)
    real = pipeline.embedder.embed
    plan = operator.plan()
    monkeypatch.setattr(pipeline.embedder, "embed", lambda faces: real(faces) * np.float32(np.nan))
    job = operator.work(operator.start(plan=plan))

    with operator.database.reading() as session:
        [(_, _, why)] = reindexes.problems(session, job.gallery.id, job.row.to_model_id, at_most=9)
    assert "NaN" in why
    assert who(client, hopper) == ("Grace", OLD.fingerprint)


def test_a_killed_workers_chunk_is_claimed_by_another_and_the_first_can_no_longer_record(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.start()
    with operator.database.transaction() as session:
        held = reindexes.claim_chunk(session, "the dead")
    with operator.database.transaction() as session:
        assert held is not None
        assert reindexes.claim_chunk(session, "another") is None, "it is leased"
        session.execute(update(ReindexChunk).values(leased_until=func.now() - text("interval '1 s'")))
    job = operator.work(job)

    with operator.database.transaction() as session:
        late = reindexes.finish_chunk(session, held, "the dead", job.row.to_model_id, {}, {})
    assert not late
    assert job.row.state == "ready"
    assert operator.embeddings(NEW.fingerprint) == 1


@pytest.mark.parametrize("function", ["finish_chunk", "crops_of_chunk", "claim_chunk", "create_chunks"])
def test_a_worker_waits_for_postgresql_and_releases_its_claims(
    operator: Operator, client: TestClient, hopper: bytes, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.start()
    real, calls = getattr(reindexes, function), []

    def away_once(*arguments: Any, **named: Any) -> Any:
        calls.append(function)
        if len(calls) == 1:
            raise DatabaseUnavailable("PostgreSQL is being restarted")
        return real(*arguments, **named)

    monkeypatch.setattr(reindexes, function, away_once)
    job = operator.work(job)

    assert job.row.state == "ready", job.row.problem
    assert operator.embeddings(NEW.fingerprint) == 1


def test_a_failing_network_stops_the_job_and_resume_continues_with_the_same_faces(
    operator: Operator, client: TestClient, hopper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(client, "Grace", hopper)
    pipeline: Pipeline = operator.factory.pipeline(NEW)
    job = operator.start()

    def fails(_: Any) -> Any:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as broken:
        broken.setattr(pipeline.embedder, "embed", fails)
        job = operator.work(job)
    assert "out of memory" in (job.row.problem or "")
    assert who(client, hopper) == ("Grace", OLD.fingerprint)

    control.resume(operator.database, job.row.id)
    assert operator.work(job).row.state == "ready"


def test_deleting_a_gallery_deletes_its_job_and_leaves_the_worker_alive(
    operator: Operator, client: TestClient, hopper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(client, "Grace", hopper)
    job = operator.start()
    pipeline: Pipeline = operator.factory.pipeline(NEW)
    real = pipeline.embedder.embed

    def deleted_meanwhile(faces: Any) -> Any:
        client.delete(PATH).raise_for_status()
        return real(faces)

    monkeypatch.setattr(pipeline.embedder, "embed", deleted_meanwhile)
    rounds: list[int] = []

    def twice() -> bool:
        rounds.append(1)
        return len(rounds) > 1

    Worker(operator.index_store, operator.factory).run(until=twice)

    assert client.get(f"/v1/reindexes/{job.row.id}").status_code == 404


def test_too_little_room_is_reported_before_the_start(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    enrol(client, "Grace", hopper)
    operator.settings = operator.settings.model_copy(update={"index_memory_mb": 1e-6})
    with pytest.raises(NotEnoughRoom, match="GEMEL_INDEX_MEMORY_MB"):
        operator.start()
    with operator.database.reading() as session:
        assert reindexes.newest_first(session) == []


def test_the_plan_does_not_count_the_old_index_that_is_in_memory_already(
    operator: Operator, client: TestClient, hopper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(client, "Grace", hopper)
    plan = operator.plan()
    assert 0 < plan.new_index_bytes < plan.index_bytes
    plans.check_room([replace(plan, memory_free_bytes=plan.new_index_bytes)])
    with pytest.raises(NotEnoughRoom, match=r"^memory: "):
        plans.check_room([replace(plan, memory_free_bytes=plan.new_index_bytes - 1)])


def test_workers_leave_a_paused_job_alone_until_it_is_resumed(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    enrol(client, "Grace", hopper)
    job = control.pause(operator.database, operator.start().row.id)
    with operator.database.transaction() as session:
        assert reindexes.claim_chunk(session, "somebody") is None
    control.resume(operator.database, job.row.id)

    assert operator.work(job).row.state == "ready"


def test_other_requests_are_answered_while_the_new_models_network_is_loaded(
    operator: Operator, client: TestClient, hopper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(client, "Grace", hopper)
    opening, go_on = threading.Event(), threading.Event()
    real = BatchingEmbedder.__init__

    def slow(embedder: BatchingEmbedder, *parts: Any, **options: Any) -> None:
        opening.set()
        assert go_on.wait(60)
        real(embedder, *parts, **options)

    monkeypatch.setattr(BatchingEmbedder, "__init__", slow)
    started: list[int] = []

    def begin() -> None:
        body = {"gallery": "staff", "to": "dlib-resnet"}
        started.append(client.post("/v1/reindexes", json=body).status_code)

    beginning = threading.Thread(target=begin)
    beginning.start()
    assert opening.wait(60)
    assert who(client, hopper) == ("Grace", OLD.fingerprint)
    enrol(client, "Grace again", hopper)
    assert client.get("/readyz").status_code == 200
    go_on.set()
    beginning.join()

    assert started == [202]


def test_in_a_large_gallery_some_faces_are_probes_and_all_are_searched(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, picture in (("Grace", hopper), ("Eileen", collins), ("Without", jpeg(pixels(collins), 60))):
        damaged = enrol(client, name, picture)
    with operator.database.transaction() as session:
        session.execute(
            update(Face).where(Face.identity_id == damaged).values(crop=None, crop_landmarks=None)
        )
    job = operator.work(operator.start())
    faces = paired_embeddings.read(operator.database, job)
    monkeypatch.setattr(compare, "MAX_PROBES", 2)
    found = compare.compare_models(operator.database, job)

    assert [side.vectors.shape for side in (faces.old, faces.new)] == [(3, 128), (3, 128)]
    assert [side.present.tolist() for side in (faces.old, faces.new)] == [[True] * 3, [True, True, False]]
    assert faces.people.tolist() == [0, 1, 2]
    np.testing.assert_allclose(np.linalg.norm(faces.old.vectors, axis=1), 1, atol=1e-6)
    assert (found["faces"], found["identities"], found["probes"]) == (3, 3, 2)
