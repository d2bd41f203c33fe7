"""Identify and search among some people, over HTTP and in two processes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from indexer.index.live import LiveIndex
from indexer.pipeline.pipeline import Pipeline
from indexer.records.filters.people_filter import PeopleFilter
from indexer.records.tables import Gallery
from indexer.replica.selections import SelectionCache
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from service.app import create_app
from tests.support.altered_pictures import side_by_side
from tests.support.asking import assert_problem, enrol, identify, try_to_identify

STAFF = "/v1/galleries/staff"


@pytest.fixture
def people(client: TestClient, hopper: bytes, collins: bytes) -> dict[str, str]:
    """Grace at site A, Eileen at site B; their ids."""
    client.post("/v1/galleries", json={"name": "staff", "keep_probes": True}).raise_for_status()
    both = {"Grace": (hopper, "A", "1"), "Eileen": (collins, "B", "2")}
    return {
        name: enrol(
            client, "staff", photo, name=name, external_id=key, metadata=json.dumps({"site": site})
        )["id"]
        for name, (photo, site, key) in both.items()
    }  # fmt: skip


@pytest.fixture
def second(client: TestClient, settings: Settings) -> Iterator[TestClient]:
    """Another process."""
    with TestClient(create_app(settings), raise_server_exceptions=False) as other:
        yield other


def among(client: TestClient, image: bytes, value: Any, **fields: Any) -> dict[str, Any]:
    return identify(client, "staff", image, filter=json.dumps(value), **fields)


def names(answer: dict[str, Any]) -> list[str]:
    return [candidate["identity"]["name"] for candidate in answer["faces"][0]["candidates"]]


@pytest.mark.usefixtures("people")
def test_only_selected_people_are_candidates_and_the_threshold_follows_their_number(
    client: TestClient, hopper: bytes, people: dict[str, str]
) -> None:
    everybody = identify(client, "staff", hopper)
    assert (everybody["gallery_size"], everybody["faces_searched"]) == (2, 2)
    for value, expected in [
        ({"metadata": {"site": "A"}}, ["Grace"]),
        ({"metadata": {"site": {"$in": ["B", "C"]}}}, ["Eileen"]),
        ({"identities": [people["Grace"]]}, ["Grace"]),
        ({"external_ids": ["2", "7"]}, ["Eileen"]),
        ({"external_ids": ["1"], "metadata": {"site": "B"}}, []),
        ({"anonymous": "exclude"}, ["Grace", "Eileen"]),
    ]:
        answer = among(client, hopper, value)
        assert names(answer) == expected
        assert (answer["gallery_size"], answer["faces_searched"]) == (2, len(expected))
    one = among(client, hopper, {"metadata": {"site": "A"}})
    assert one["threshold"] < everybody["threshold"]
    assert one["faces"][0]["candidates"][0]["matched"]


@pytest.mark.usefixtures("people")
def test_an_unnamed_person_who_arrives_during_a_search_without_such_is_no_candidate(
    client: TestClient, collins: bytes, hopper: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    caught_up, arrivals = SelectionCache.caught_up, [collins]
    app: Any = client.app

    def then_somebody_arrives(
        self: SelectionCache, gallery: Gallery, people: PeopleFilter, index: LiveIndex
    ) -> Any:
        found = caught_up(self, gallery, people, index)
        if arrivals:
            enrol(client, "staff", arrivals.pop(), anonymous="true")
            app.state.engine.identifier.index_cache.catch_up(gallery.id)
        return found

    monkeypatch.setattr(SelectionCache, "caught_up", then_somebody_arrives)

    answer = among(client, hopper, {"anonymous": "exclude"})

    assert names(answer) == ["Grace", "Eileen"]
    assert (answer["gallery_size"], answer["faces_searched"]) == (3, 2)


@pytest.mark.usefixtures("people")
def test_true_and_one_are_different_metadata(
    client: TestClient, people: dict[str, str], hopper: bytes
) -> None:
    person = f"{STAFF}/identities/{people['Grace']}"
    for value in (1, True, [1], [True]):
        client.patch(person, json={"metadata": {"badge": value}}).raise_for_status()
        [plain] = value if isinstance(value, list) else [value]
        assert client.get(person).json()["metadata"] == {"badge": value}
        assert type(plain) is bool or names(among(client, hopper, {"metadata": {"badge": True}})) == []
        assert names(among(client, hopper, {"metadata": {"badge": plain}})) == ["Grace"]


@pytest.mark.usefixtures("people")
def test_the_next_request_to_any_process_follows_a_change_of_metadata(
    client: TestClient, second: TestClient, people: dict[str, str], hopper: bytes
) -> None:
    at_b = {"metadata": {"site": "B"}}
    assert [names(among(one, hopper, at_b)) for one in (client, second)] == [["Eileen"]] * 2
    person = f"{STAFF}/identities/{people['Grace']}"

    client.patch(person, json={"metadata": {"site": "B"}}).raise_for_status()
    assert [names(among(one, hopper, at_b)) for one in (second, client)] == [["Grace", "Eileen"]] * 2

    second.patch(person, json={"metadata": {}}).raise_for_status()
    assert [names(among(one, hopper, at_b)) for one in (client, second)] == [["Eileen"]] * 2


@pytest.mark.usefixtures("people")
def test_people_who_come_go_and_get_an_external_id_are_followed(
    client: TestClient, second: TestClient, people: dict[str, str], hopper: bytes, collins: bytes
) -> None:
    listed = {"external_ids": ["9"]}
    assert names(among(second, hopper, listed)) == []
    client.patch(f"{STAFF}/identities/{people['Grace']}", json={"external_id": "9"}).raise_for_status()
    assert names(among(second, hopper, listed)) == ["Grace"]
    client.delete(f"{STAFF}/identities/{people['Grace']}").raise_for_status()
    assert names(among(second, hopper, listed)) == []
    enrol(client, "staff", hopper, name="Amazing", external_id="9")
    assert names(among(second, hopper, listed)) == ["Amazing"]


@pytest.mark.usefixtures("people")
def test_a_search_by_an_embedding_has_filters_and_metadata_too(
    client: TestClient, pipeline: Pipeline, hopper: bytes
) -> None:
    watch = Stopwatch()
    [vector] = pipeline.embed(pipeline.detect(hopper, watch, max_faces=1).faces, watch)
    body = {"embedding": vector.astype(float).tolist(), "filter": {"metadata": {"site": "B"}}}

    found = client.post(f"{STAFF}/search", json=body | {"include": ["metadata"]}).json()

    [candidate] = found["candidates"]
    assert candidate["metadata"] == {"site": "B"}
    assert (found["gallery_size"], found["faces_searched"]) == (2, 1)
    assert client.post(f"{STAFF}/search", json=body).json()["candidates"][0]["metadata"] is None


@pytest.mark.usefixtures("people")
def test_candidates_have_metadata_where_the_request_includes_it(client: TestClient, hopper: bytes) -> None:
    answer = identify(client, "staff", hopper, include="metadata")
    assert [c["metadata"] for c in answer["faces"][0]["candidates"]] == [{"site": "A"}, {"site": "B"}]
    assert_problem(try_to_identify(client, "staff", hopper, include="name"), 422, "invalid_request")


@pytest.mark.usefixtures("people")
def test_nonsense_is_answered_by_an_error(client: TestClient, hopper: bytes) -> None:
    for value in ('{"metadata": {"site": {"$like": "A"}}}', '{"name": "A"}', '{"identities": ["x"]}'):
        problem = assert_problem(
            try_to_identify(client, "staff", hopper, filter=value), 422, "invalid_filter"
        )
        assert problem["field"].startswith("filter")
    plain = assert_problem(try_to_identify(client, "staff", hopper, filter="site=A"), 422, "invalid_request")
    assert "filter: " in plain["detail"]
    assert "it is not JSON" in plain["detail"]


@pytest.mark.usefixtures("people")
def test_a_filtered_search_is_explained_and_repeated_among_the_same_people(
    client: TestClient, people: dict[str, str], hopper: bytes
) -> None:
    answer = among(client, hopper, {"metadata": {"site": "B"}})
    audit = f"/v1/audit/{answer['audit_id']}"

    explained = client.get(f"{audit}/explain").json()
    assert explained["filter"] == '{"metadata": {"site": "B"}}'
    assert (explained["gallery_size"], explained["faces_searched"]) == (2, 1)
    assert "among 1 of the 2 enrolled faces of gallery staff" in explained["sentences"][0]
    again = client.post(f"{audit}/replay").json()
    assert again["same"]
    assert again["threshold_now"] == pytest.approx(again["threshold_then"], abs=1e-6)

    client.patch(f"{STAFF}/identities/{people['Grace']}", json={"metadata": {"site": "B"}}).raise_for_status()
    assert (
        "The filter selects 2 of them now; it selected 1."
        in client.post(f"{audit}/replay").json()["sentences"]
    )

    many = among(client, hopper, {"external_ids": [f"{n:060}" for n in range(100)]})
    explained = client.get(f"/v1/audit/{many['audit_id']}/explain").json()
    assert "too long for the record" in explained["sentences"][0]
    problem = assert_problem(client.post(f"/v1/audit/{many['audit_id']}/replay"), 422)
    assert "too long" in problem["detail"]


@pytest.mark.usefixtures("people")
def test_several_faces_of_a_picture_are_searched_among_the_same_people(
    client: TestClient, hopper: bytes, collins: bytes
) -> None:
    answer = among(client, side_by_side(hopper, collins), {"metadata": {"site": "A"}}, max_faces=2)
    found = [[c["identity"]["name"] for c in face["candidates"] if c["matched"]] for face in answer["faces"]]
    assert sorted(found) == [[], ["Grace"]]
