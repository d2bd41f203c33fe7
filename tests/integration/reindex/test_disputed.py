"""The comparison of two models says what each makes of matches that somebody said to be wrong."""

from fastapi.testclient import TestClient

from indexer.reindex import status
from tests.support.asking import identify
from tests.support.pictures import jpeg, pixels
from tests.support.reindexing import NEW, Operator, enrol


def test_disputed_matches_with_a_kept_crop_are_matched_again_by_both_models(
    operator: Operator, client: TestClient, hopper: bytes, collins: bytes
) -> None:
    client.patch("/v1/galleries/staff", json={"keep_probes": True}).raise_for_status()
    people = {name: enrol(client, name, image) for name, image in (("Grace", hopper), ("Eileen", collins))}
    seen = identify(client, "staff", jpeg(pixels(hopper)[::2, ::2]))
    for person in people.values():  # Grace is matched, and Eileen is the second
        path = f"/v1/audit/{seen['audit_id']}/disputes"
        client.post(path, json={"identity_id": str(person)}).raise_for_status()
    unkept = identify(client, "staff", hopper)["audit_id"]
    client.delete(f"/v1/audit/{unkept}/faces").raise_for_status()
    body = {"identity_id": str(people["Grace"])}
    client.post(f"/v1/audit/{unkept}/disputes", json=body).raise_for_status()

    job = operator.work(operator.start())

    assert status.comparison(operator.database, job.row.id)["disputed"] == {
        "count": 3,
        "measured": 2,
        "old_matched": 1,
        "new_matched": 1,
    }


def test_a_gallery_without_disputes_is_compared_without_them(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    enrol(client, "Grace", hopper)

    job = operator.work(operator.start())

    assert "disputed" not in status.comparison(operator.database, job.row.id)


def test_a_replay_after_a_switch_says_that_the_model_is_another_one(
    operator: Operator, client: TestClient, hopper: bytes
) -> None:
    client.patch("/v1/galleries/staff", json={"keep_probes": True}).raise_for_status()
    person = enrol(client, "Grace", hopper)
    seen = identify(client, "staff", jpeg(pixels(hopper)[::2, ::2]))
    job = operator.work(operator.start())
    client.post(
        f"/v1/reindexes/{job.row.id}/activate", json={"force": "nobody has two faces"}
    ).raise_for_status()

    repeated = client.post(f"/v1/audit/{seen['audit_id']}/replay").raise_for_status().json()

    assert any(
        sentence.startswith(f"The gallery's model is {NEW.fingerprint} now; it was {seen['model']}.")
        for sentence in repeated["sentences"]
    )
    assert repeated["faces"][0]["matched_then"] == str(person)
    assert repeated["same"]
