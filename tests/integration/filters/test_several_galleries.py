"""Identify in several galleries in one request."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from indexer.access import keys
from indexer.access.keys import NewKey
from indexer.access.roles import Role
from indexer.records.database.session import Database
from indexer.vision.detection.detect import Detector
from tests.support.altered_pictures import side_by_side
from tests.support.asking import assert_problem, enrol, files, identify
from tests.support.audit import last_number, rows_after


@pytest.fixture
def galleries(client: TestClient, hopper: bytes, collins: bytes) -> TestClient:
    """Grace is in `staff`, Eileen in `visitors`, both in `crew`, with another policy; nobody in `empty`."""
    for name in ("staff", "visitors", "crew", "empty"):
        client.post("/v1/galleries", json={"name": name}).raise_for_status()
    client.patch("/v1/galleries/crew", json={"identify_fpir": 0.01}).raise_for_status()
    for gallery, name, photograph in [
        ("staff", "Grace", hopper),
        ("visitors", "Eileen", collins),
        ("crew", "Grace", hopper),
        ("crew", "Eileen", collins),
    ]:
        enrol(client, gallery, photograph, name=name, metadata=json.dumps({"in": gallery}))
    return client


def try_several(client: TestClient, image: bytes, *names: str, **fields: Any) -> Response:
    answer: Response = client.post(
        "/v1/identify", files=files("image", image), data={"galleries": list(names), **fields}
    )
    return answer


def several(client: TestClient, image: bytes, *names: str, **fields: Any) -> dict[str, Any]:
    answer = try_several(client, image, *names, **fields)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def found(face: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(c["gallery"], c["identity"]["name"], c["matched"]) for c in face["candidates"]]


def test_each_gallery_answers_as_it_does_alone(galleries: TestClient, hopper: bytes, collins: bytes) -> None:
    image, names = side_by_side(hopper, collins), ["crew", "staff", "visitors", "empty"]

    answer = several(galleries, image, *names, max_faces=2)

    assert [one["gallery"] for one in answer["galleries"]] == names
    for number, name in enumerate(names):
        alone, here = identify(galleries, name, image, max_faces=2), answer["galleries"][number]
        for field in ("threshold", "fpir", "estimated_fpir", "calibration", "model", "gallery_size"):
            assert here[field] == alone[field]
        for face, face_alone in zip(answer["faces"], alone["faces"], strict=True):
            mine = [c for c in face["candidates"] if c["gallery"] == name]
            assert [c["identity"]["name"] for c in mine] == [
                c["identity"]["name"] for c in face_alone["candidates"]
            ]
            assert [c["score"] for c in mine] == pytest.approx(
                [c["score"] for c in face_alone["candidates"]], abs=1e-4
            )
            assert [c["matched"] for c in mine] == [c["matched"] for c in face_alone["candidates"]]
    thresholds = {one["gallery"]: one["threshold"] for one in answer["galleries"]}
    for face in answer["faces"]:
        above = [c["score"] - thresholds[c["gallery"]] for c in face["candidates"]]
        assert above == sorted(above, reverse=True)


def test_the_picture_is_detected_once_and_embedded_once_for_each_model(
    galleries: TestClient, hopper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    engine = galleries.app.state.engine  # type: ignore[attr-defined]
    detect, embedder = Detector.detect, type(engine.pipeline.embedder)
    embed = embedder.embed

    def counted(name: str, method: Any) -> Any:
        def call(*arguments: Any) -> Any:
            calls.append(name)
            return method(*arguments)

        return call

    monkeypatch.setattr(Detector, "detect", counted("detect", detect))
    monkeypatch.setattr(embedder, "embed", counted("embed", embed))

    several(galleries, hopper, "crew", "staff", "visitors")

    assert calls == ["detect", "embed"]


def test_filters_and_metadata_hold_for_every_gallery(galleries: TestClient, hopper: bytes) -> None:
    answer = several(
        galleries,
        hopper,
        "crew",
        "staff",
        filter=json.dumps({"metadata": {"in": "staff"}}),
        include="metadata",
    )
    assert found(answer["faces"][0]) == [("staff", "Grace", True)]
    assert answer["faces"][0]["candidates"][0]["metadata"] == {"in": "staff"}
    assert [one["faces_searched"] for one in answer["galleries"]] == [0, 1]


def test_a_gallery_that_cannot_be_searched_is_an_error_and_nothing_is_recorded(
    galleries: TestClient, database: Database, hopper: bytes
) -> None:
    before = last_number(database)
    assert_problem(try_several(galleries, hopper, "staff", "nowhere"), 404, "gallery_not_found")
    assert_problem(try_several(galleries, hopper, "staff", "staff"), 422, "invalid_request")
    assert_problem(try_several(galleries, hopper), 422, "invalid_request")
    assert_problem(
        try_several(galleries, hopper, *(f"g{number}" for number in range(11))), 422, "invalid_request"
    )
    assert last_number(database) == before


def test_each_gallery_has_its_own_event(galleries: TestClient, database: Database, hopper: bytes) -> None:
    before = last_number(database)

    answer = several(galleries, hopper, "staff", "visitors")

    events = rows_after(database, before)
    assert [(row["action"], row["gallery"]) for row in events] == [
        ("search.identified", "staff"),
        ("search.identified", "visitors"),
    ]
    assert [str(row["id"]) for row in events] == [one["audit_id"] for one in answer["galleries"]]


def test_a_key_needs_every_gallery(galleries: TestClient, database: Database, hopper: bytes) -> None:
    new = NewKey(name="door", roles=[Role.IDENTIFY], galleries=["staff", "v*"])
    galleries.headers["authorization"] = f"Bearer {keys.create(database, new, by=keys.COMMAND_LINE).text}"
    assert len(several(galleries, hopper, "staff", "visitors")["galleries"]) == 2
    assert_problem(try_several(galleries, hopper, "staff", "crew"), 404, "gallery_not_found")
