"""Answers on real faces, explained in sentences, disputed, and repeated."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from indexer.access import keys
from indexer.access.keys import NewKey
from indexer.access.roles import Role
from indexer.audit import retention
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import faces
from indexer.settings import Settings
from service.app import create_app
from tests.support.altered_pictures import side_by_side
from tests.support.asking import assert_problem, enrol, files, identify
from tests.support.audit import last_number, rows_after
from tests.support.pictures import jpeg, pixels

NOBODY = "019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11"


@pytest.fixture
def staff(client: TestClient, hopper: bytes, collins: bytes) -> dict[str, Any]:
    """Grace Hopper, in a gallery with Eileen Collins that keeps probes."""
    new = {"name": "staff", "keep_probes": True, "person_score": "nearest"}
    assert client.post("/v1/galleries", json=new).status_code == 201
    enrol(client, "staff", collins, name="Eileen Collins")
    return enrol(client, "staff", hopper, name="Grace Hopper")


def smaller(photograph: bytes, step: int = 2) -> bytes:
    """The same person in another file."""
    return jpeg(pixels(photograph)[::step, ::step])


def explain(client: TestClient, audit_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/audit/{audit_id}/explain")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_match_is_explained_with_its_score_its_threshold_and_the_second_person(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    answer = identify(client, "staff", smaller(hopper))
    first, second = answer["faces"][0]["candidates"]
    threshold = answer["threshold"]

    explained = explain(client, answer["audit_id"])

    [face] = explained["faces"]
    assert explained["sentences"][0] == (
        "A photograph with 1 face was searched for among the 2 enrolled faces of gallery staff."
    )
    assert explained["sentences"][1].startswith(f"The threshold was {threshold:.3f}: the figures on the")
    assert face["sentences"][:3] == [
        f"The face was matched with Grace Hopper: a score of {first['score']:.3f},"
        f" {first['score'] - threshold:.3f} above the threshold.",
        f"The score is the similarity to the person's nearest enrolled face, {staff['faces'][0]['id']}.",
        f"The second most similar person was Eileen Collins, with a score of {second['score']:.3f},"
        f" {first['score'] - second['score']:.3f} less than the first and below the threshold.",
    ]
    assert face["margin_to_second"] == pytest.approx(first["score"] - second["score"], abs=2e-6)


def test_the_threshold_is_explained_as_false_alarms_among_ten_thousand_searches(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    client.patch("/v1/galleries/staff", json={"identify_fpir": 0.01}).raise_for_status()

    explained = explain(client, identify(client, "staff", hopper)["audit_id"])

    assert explained["sentences"][1].endswith("for the policy of 100 false alarms in 10,000 searches.")
    assert explained["sentences"][2].startswith(
        "Of 10,000 searches for strangers among 2 enrolled faces, about 100 would reach this threshold"
    )


def test_a_requested_threshold_and_a_face_below_it_are_explained(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    answer = identify(client, "staff", smaller(hopper), threshold=0.999)

    explained = explain(client, answer["audit_id"])

    score = answer["faces"][0]["candidates"][0]["score"]
    assert "The threshold was 0.999, because the request set it." in explained["sentences"]
    assert explained["faces"][0]["sentences"][0] == (
        "The face was matched with nobody. The most similar person was Grace Hopper, with a score of"
        f" {score:.3f}, {0.999 - score:.3f} below the threshold."
    )


def test_a_face_that_the_policy_lets_match_nobody_is_explained_with_its_quality(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    client.patch("/v1/galleries/staff", json={"min_match_face_px": 60.0}).raise_for_status()

    answer = identify(client, "staff", smaller(hopper, 5))

    [face] = explain(client, answer["audit_id"])["faces"]
    assert answer["faces"][0]["unmatched_reason"] == "face_too_small"
    assert face["sentences"][0].startswith(
        "The face was matched with nobody, whatever the score, because the face is smaller than the"
        " gallery's policy allows."
    )
    assert [w for w in face["warnings"] if w.startswith("The face is small: ")]


def test_a_score_near_the_threshold_is_a_warning(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    photograph = smaller(hopper)
    score = identify(client, "staff", photograph)["faces"][0]["candidates"][0]["score"]

    answer = identify(client, "staff", photograph, threshold=score - 0.01)

    [face] = explain(client, answer["audit_id"])["faces"]
    assert (
        "The score is close to the threshold: another photograph may fall on its other side."
        in (face["warnings"])
    )


def test_comparisons_are_explained(
    client: TestClient, staff: dict[str, Any], hopper: bytes, collins: bytes
) -> None:
    pair = client.post("/v1/verify", files=files("image_a", hopper) + files("image_b", collins)).json()
    path = f"/v1/galleries/staff/identities/{staff['id']}/verify"
    person = client.post(path, files=files("image", smaller(hopper))).json()

    of_pair, of_person = explain(client, pair["audit_id"]), explain(client, person["audit_id"])

    assert of_pair["sentences"][0] == "The faces of two photographs were compared."
    assert of_pair["faces"][0]["sentences"] == [
        f"The answer was: different people. The score is {pair['score']:.3f},"
        f" {pair['threshold'] - pair['score']:.3f} below the threshold."
    ]
    assert of_person["sentences"][0] == (
        "The face of a photograph was compared with Grace Hopper in gallery staff."
    )
    assert "comparisons of two different people" in of_person["sentences"][2]


def test_both_crops_of_a_match_can_be_seen_side_by_side(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    [face] = explain(client, identify(client, "staff", smaller(hopper))["audit_id"])["faces"]

    for path in (face["crop"], face["candidates"][0]["crop"]):
        crop = client.get(path)
        assert (crop.status_code, crop.headers["content-type"]) == (200, "image/jpeg")
        assert pixels(crop.content).shape[0] == pixels(crop.content).shape[1]


def test_deleted_probes_are_gone_and_the_explanation_says_so(
    client: TestClient, database: Database, staff: dict[str, Any], hopper: bytes
) -> None:
    audit_id = identify(client, "staff", hopper)["audit_id"]
    before = last_number(database)

    assert client.delete(f"/v1/audit/{audit_id}/faces").status_code == 204

    [face] = explain(client, audit_id)["faces"]
    assert face["crop"] is None
    assert "The crop of the face was kept, but has since been deleted." in face["sentences"]
    assert_problem(client.get(f"/v1/audit/{audit_id}/faces/0/crop"), 404, "crop_not_stored")
    assert [row["action"] for row in rows_after(database, before)] == ["search.probes_deleted"]


def test_a_deleted_person_has_no_name_in_the_explanation(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    audit_id = identify(client, "staff", hopper)["audit_id"]
    client.delete(f"/v1/galleries/staff/identities/{staff['id']}")

    explained = explain(client, audit_id)

    [face] = explained["faces"]
    candidate = face["candidates"][0]
    assert face["sentences"][0].startswith(
        f"The face was matched with a person who has since been deleted ({staff['id']})"
    )
    assert (candidate["person_exists"], candidate["face_exists"], candidate["crop"]) == (False, False, None)
    assert "Grace" not in str(explained)


def test_an_event_that_is_no_search_and_one_that_is_not_there_are_not_explained(
    client: TestClient, database: Database
) -> None:
    before = last_number(database)
    client.post("/v1/galleries", json={"name": "empty"}).raise_for_status()
    [created] = rows_after(database, before)

    assert_problem(client.get(f"/v1/audit/{created['id']}/explain"), 422, "invalid_request")
    assert_problem(client.get(f"/v1/audit/{NOBODY}/explain"), 404, "audit_event_not_found")


def test_a_disputed_match_is_reported_in_later_answers_until_it_is_withdrawn(
    client: TestClient, database: Database, staff: dict[str, Any], hopper: bytes
) -> None:
    answer = identify(client, "staff", smaller(hopper))
    path = f"/v1/audit/{answer['audit_id']}/disputes"
    body = {"face": 0, "identity_id": staff["id"]}
    assert answer["faces"][0]["candidates"][0]["disputed"] == 0
    before = last_number(database)

    disputed = client.post(path, json=body)
    again = client.post(path, json=body)

    assert disputed.status_code == 201
    assert again.json() == disputed.json()
    later = identify(client, "staff", hopper)["faces"][0]["candidates"]
    assert [candidate["disputed"] for candidate in later] == [1, 0]
    [face] = explain(client, answer["audit_id"])["faces"]
    assert face["candidates"][0]["disputes"][0]["id"] == disputed.json()["id"]
    assert any(sentence.endswith("this is not Grace Hopper.") for sentence in face["sentences"])

    assert client.delete(f"{path}/{disputed.json()['id']}").status_code == 204
    assert_problem(client.delete(f"{path}/{disputed.json()['id']}"), 404, "dispute_not_found")
    assert identify(client, "staff", hopper)["faces"][0]["candidates"][0]["disputed"] == 0
    events = [row for row in rows_after(database, before) if row["action"] == "search.disputed"]
    assert [str(row["identity_id"]) for row in events] == [staff["id"], staff["id"]]


def test_only_a_candidate_of_the_answer_can_be_disputed(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    path = f"/v1/audit/{identify(client, 'staff', hopper)['audit_id']}/disputes"

    assert_problem(client.post(path, json={"identity_id": NOBODY}), 422, "invalid_request")
    assert_problem(client.post(path, json={"face": 1, "identity_id": staff["id"]}), 422, "invalid_request")


def when_locked(database: Database, requests: Sequence[Callable[[], Any]], change: Callable[..., Any]) -> Any:
    """The answers of requests that wait for the gallery's lock while `change` is made under it."""
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with ThreadPoolExecutor(len(requests)) as pool:
        with database.transaction() as session:
            galleries.lock(session, galleries.get(session, "staff").id)
            sent = [pool.submit(request) for request in requests]
            with database.reading() as beside:
                while beside.scalar(waiting) != len(requests) and not any(one.done() for one in sent):
                    pass
            change(session)
        return [one.result() for one in sent]


def test_a_face_that_is_deleted_while_it_is_being_disputed_is_not_found(
    client: TestClient, database: Database, staff: dict[str, Any], hopper: bytes
) -> None:
    path = f"/v1/audit/{identify(client, 'staff', smaller(hopper))['audit_id']}/disputes"
    request = partial(client.post, path, json={"identity_id": staff["id"]})

    [answer] = when_locked(database, [request], lambda session: faces.remove_all(session, UUID(staff["id"])))

    assert_problem(answer, 404, "face_not_found")


def test_a_dispute_that_two_withdraw_at_once_is_withdrawn_once(
    client: TestClient, database: Database, staff: dict[str, Any], hopper: bytes
) -> None:
    path = f"/v1/audit/{identify(client, 'staff', smaller(hopper))['audit_id']}/disputes"
    dispute = client.post(path, json={"identity_id": staff["id"]}).json()
    before = last_number(database)

    answers = when_locked(
        database, [partial(client.delete, f"{path}/{dispute['id']}")] * 2, lambda session: None
    )

    assert sorted(answer.status_code for answer in answers) == [204, 404]
    assert len(rows_after(database, before)) == 1


def test_a_dispute_ends_with_the_enrolled_face(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    audit_id = identify(client, "staff", smaller(hopper))["audit_id"]
    client.post(f"/v1/audit/{audit_id}/disputes", json={"identity_id": staff["id"]}).raise_for_status()
    people = f"/v1/galleries/staff/identities/{staff['id']}/faces"
    added = client.post(people, files=files("images", smaller(hopper, 3)))
    assert added.status_code == 201, added.text
    client.delete(f"{people}/{staff['faces'][0]['id']}").raise_for_status()

    assert identify(client, "staff", hopper)["faces"][0]["candidates"][0]["disputed"] == 0


def replay(client: TestClient, audit_id: str) -> dict[str, Any]:
    answer = client.post(f"/v1/audit/{audit_id}/replay")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_replay_of_an_unchanged_gallery_gives_the_same_answer(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    audit_id = identify(client, "staff", smaller(hopper))["audit_id"]

    repeated = replay(client, audit_id)

    [face] = repeated["faces"]
    assert repeated["same"]
    assert repeated["sentences"] == []
    assert face["matched_now"] == face["matched_then"] == staff["id"]
    assert face["score_now"] == pytest.approx(face["score_then"], abs=0.05)
    assert face["sentences"][0] == "The answer is the same: Grace Hopper is matched."


def test_a_replay_says_that_a_person_enrolled_since_is_nearer(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    photograph = smaller(hopper)
    audit_id = identify(client, "staff", photograph)["audit_id"]
    twin = enrol(client, "staff", photograph, name="Her double")

    repeated = replay(client, audit_id)

    [face] = repeated["faces"]
    assert not repeated["same"]
    assert (face["matched_then"], face["matched_now"]) == (staff["id"], twin["id"])
    assert "The gallery has 3 enrolled faces now; it had 2." in repeated["sentences"]
    assert any("Her double now, who has been enrolled since" in sentence for sentence in face["sentences"])


def test_a_replay_says_that_the_policy_has_changed(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    audit_id = identify(client, "staff", smaller(hopper))["audit_id"]
    policy = {"identify_fpir": 0.05, "min_match_face_px": 500.0}
    client.patch("/v1/galleries/staff", json=policy).raise_for_status()

    repeated = replay(client, audit_id)

    [face] = repeated["faces"]
    assert (face["same"], face["matched_now"]) == (False, None)
    assert any("it does not let this face match now" in sentence for sentence in face["sentences"])
    assert any(sentence.startswith("The policy is a rate of 0.05 now") for sentence in repeated["sentences"])
    assert any(sentence.startswith("The threshold is ") for sentence in repeated["sentences"])


def test_a_search_without_kept_crops_cannot_be_repeated(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    kept = UUID(identify(client, "staff", hopper)["audit_id"])
    client.delete(f"/v1/galleries/staff/identities/{staff['id']}").raise_for_status()

    assert_problem(client.post(f"/v1/audit/{kept}/replay"), 404, "crop_not_stored")


def test_a_dispute_and_a_kept_crop_follow_the_enrolled_face_into_a_merged_identity(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    audit_id = identify(client, "staff", smaller(hopper))["audit_id"]
    client.post(f"/v1/audit/{audit_id}/disputes", json={"identity_id": staff["id"]}).raise_for_status()
    other = enrol(client, "staff", smaller(hopper, 3), name="G. Hopper")
    merged = client.post(f"/v1/galleries/staff/identities/{other['id']}/merge", json={"other": staff["id"]})
    assert merged.status_code == 200, merged.text

    [face] = explain(client, audit_id)["faces"]

    assert face["candidates"][0]["face_owner"] == other["id"]
    assert "This enrolled face belongs to G. Hopper now." in face["sentences"]
    assert client.get(face["crop"]).status_code == 200
    assert identify(client, "staff", hopper)["faces"][0]["candidates"][0]["disputed"] == 1


@pytest.fixture
def scoped_keys(database: Database) -> Iterator[dict[str, str]]:
    """By what they may see. From then on every request needs a key."""
    new = [NewKey(name=scope, roles=[Role.ADMIN], galleries=[scope]) for scope in ("staff", "visitors-*")]
    yield {one.name: keys.create(database, one, by=keys.COMMAND_LINE).text for one in new}
    with database.transaction() as session:
        session.execute(text("TRUNCATE api_key CASCADE"))


def test_a_key_for_other_galleries_finds_no_event_and_leaves_no_dispute(
    client: TestClient,
    settings: Settings,
    staff: dict[str, Any],
    hopper: bytes,
    collins: bytes,
    request: pytest.FixtureRequest,
) -> None:
    audit_id = identify(client, "staff", hopper)["audit_id"]
    pair = client.post("/v1/verify", files=files("image_a", hopper) + files("image_b", collins)).json()
    scoped = request.getfixturevalue("scoped_keys")
    body = {"identity_id": staff["id"]}
    with TestClient(create_app(settings)) as guarded:
        for event, key in ((audit_id, scoped["visitors-*"]), (pair["audit_id"], scoped["staff"])):
            absent = f"the audit record has no event {event}"
            for answer in (
                guarded.get(f"/v1/audit/{event}/explain", headers={"X-API-Key": key}),
                guarded.post(f"/v1/audit/{event}/replay", headers={"X-API-Key": key}),
                guarded.get(f"/v1/audit/{event}/faces/0/crop", headers={"X-API-Key": key}),
                guarded.delete(f"/v1/audit/{event}/faces", headers={"X-API-Key": key}),
                guarded.post(f"/v1/audit/{event}/disputes", json=body, headers={"X-API-Key": key}),
                guarded.delete(f"/v1/audit/{event}/disputes/{NOBODY}", headers={"X-API-Key": key}),
            ):
                assert assert_problem(answer, 404, "audit_event_not_found")["detail"] == absent
        seen = guarded.get(f"/v1/audit/{audit_id}/explain", headers={"X-API-Key": scoped["staff"]})

    assert seen.status_code == 200
    assert seen.json()["faces"][0]["candidates"][0]["disputes"] == []
    assert seen.json()["faces"][0]["crop"] is not None


def test_a_kept_crop_that_was_exchanged_is_a_warning(
    client: TestClient, database: Database, staff: dict[str, Any], hopper: bytes, collins: bytes
) -> None:
    audit_id = identify(client, "staff", hopper)["audit_id"]
    [face] = explain(client, audit_id)["faces"]
    with database.transaction() as session:
        session.execute(text("UPDATE audit_probe SET crop = :crop"), {"crop": collins})

    [exchanged] = explain(client, audit_id)["faces"]

    assert not any("SHA-256" in warning for warning in face["warnings"])
    assert any("SHA-256" in warning for warning in exchanged["warnings"])


def test_kept_crops_are_pruned_with_the_months_of_the_record(
    client: TestClient, database: Database, staff: dict[str, Any], hopper: bytes
) -> None:
    old, new = (identify(client, "staff", hopper)["audit_id"] for _ in range(2))
    with database.transaction() as session:
        backdated = "UPDATE audit_probe SET created_at = now() - interval '70 days' WHERE event_id = :id"
        session.execute(text(backdated), {"id": old})

    retention.prune(database, datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0))

    assert explain(client, old)["faces"][0]["crop"] is None
    assert explain(client, new)["faces"][0]["crop"] is not None


def test_each_face_of_a_photograph_is_explained(
    client: TestClient, staff: dict[str, Any], hopper: bytes, collins: bytes
) -> None:
    both = side_by_side(hopper, collins)
    all_of_it = explain(client, identify(client, "staff", both, max_faces=5)["audit_id"])
    one = explain(client, identify(client, "staff", both, max_faces=1)["audit_id"])

    matched = [face["sentences"][0].split(":")[0] for face in all_of_it["faces"]]
    assert all_of_it["sentences"][0].startswith("A photograph with 2 faces was searched for among the 2")
    assert {sentence.split(" was ")[0] for sentence in matched} == {"The face"}
    assert {sentence.split(" matched with ")[1] for sentence in matched} == {"Grace Hopper", "Eileen Collins"}
    assert one["sentences"][0].endswith("of gallery staff. The largest was searched for.")
    assert len(one["faces"]) == 1


def test_a_photograph_without_a_face_and_an_empty_gallery_are_explained(
    client: TestClient, hopper: bytes, nobody: bytes
) -> None:
    client.post("/v1/galleries", json={"name": "staff"}).raise_for_status()

    no_face = explain(client, identify(client, "staff", nobody)["audit_id"])
    no_person = explain(client, identify(client, "staff", hopper)["audit_id"])

    assert no_face["sentences"][0].startswith("A photograph with no face was searched for among the 0")
    assert no_face["faces"] == []
    assert no_person["faces"][0]["sentences"] == ["The face resembled nobody: nobody was enrolled."]


def test_two_people_who_look_alike_are_explained_and_are_a_warning(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    enrol(client, "staff", smaller(hopper), name="Her double")

    [face] = explain(client, identify(client, "staff", smaller(hopper, 3))["audit_id"])["faces"]

    assert any(
        sentence.endswith("This score reaches the threshold too: the two look alike, or are the same person.")
        for sentence in face["sentences"]
    )
    assert face["margin_to_second"] < 0.1


def test_a_score_of_several_faces_is_explained_as_a_mean(
    client: TestClient, staff: dict[str, Any], hopper: bytes
) -> None:
    faces = f"/v1/galleries/staff/identities/{staff['id']}/faces"
    added = client.post(faces, files=files("images", smaller(hopper, 3)))
    client.patch("/v1/galleries/staff", json={"person_score": "fused"}).raise_for_status()
    answer = identify(client, "staff", smaller(hopper))
    first = answer["faces"][0]["candidates"][0]
    client.delete(f"{faces}/{first['face_id']}").raise_for_status()

    [face] = explain(client, answer["audit_id"])["faces"]

    assert added.status_code == 201
    assert face["sentences"][1] == (
        f"The score is the mean of {first['face_score']:.3f}, the similarity to the person's nearest enrolled"
        f" face, {first['face_id']}, and {first['template_score']:.3f}, the similarity to the mean of the"
        " person's faces."
    )
    assert "This enrolled face has since been deleted." in face["sentences"]
    assert (face["candidates"][0]["person_exists"], face["candidates"][0]["face_exists"]) == (True, False)


def test_a_dark_photograph_is_a_warning(client: TestClient, staff: dict[str, Any], hopper: bytes) -> None:
    dark = jpeg((pixels(hopper) * 0.12).astype("uint8"))

    [of_dark] = explain(client, identify(client, "staff", dark)["audit_id"])["faces"]
    [of_light] = explain(client, identify(client, "staff", hopper)["audit_id"])["faces"]

    assert of_dark["warnings"] == ["The face is too dark or too bright."]
    assert of_light["warnings"] == []


def test_an_embedding_and_a_threshold_beyond_the_measurement_are_explained(
    client: TestClient, staff: dict[str, Any]
) -> None:
    vector = [1.0] + [0.0] * 127
    body = {"embedding": vector, "threshold": 0.99}
    audit_id = client.post("/v1/galleries/staff/search", json=body).json()["audit_id"]

    explained = explain(client, audit_id)

    assert explained["sentences"][0] == (
        "An embedding, without its photograph, was searched for among the 2 enrolled faces of gallery staff."
    )
    assert explained["sentences"][2].endswith("so low a rate, and this is an extrapolation.")
    assert explained["faces"][0]["sentences"][0].startswith("The embedding was matched with nobody.")
    assert (explained["faces"][0]["box"], explained["faces"][0]["warnings"]) == (None, [])
