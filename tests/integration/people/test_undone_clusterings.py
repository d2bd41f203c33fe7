"""A clustering is undone: whose faces return, who stays because people have changed something since, and how
an interrupted undo goes on."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from indexer.callers import Caller, current_caller
from indexer.errors import LeaseLost
from indexer.gallery_jobs.clustering import join
from indexer.gallery_jobs.clustering.undo import UndoRun
from indexer.records import galleries
from indexer.records.gallery_jobs import jobs
from tests.integration.people.album import CLUSTERINGS, THRESHOLD, Album
from tests.integration.people.conftest import GALLERY, PATH, People
from tests.support.asking import assert_problem
from tests.support.home import wait_for

ANYONE = "anyone on this machine"
"""The caller of requests without a key."""
KEPT = ("kept_named", "kept_merged", "kept_split", "kept_deleted")


@pytest.fixture
def album(people: People) -> Album:
    return Album(people)


def begin(album: Album, id: str) -> dict[str, Any]:
    answer = album.people.client.post(f"{CLUSTERINGS}/{id}/undo")
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def undo(album: Album, id: str) -> dict[str, Any]:
    """Until it has ended."""
    begin(album, id)
    wait_for(lambda: album.get(id)["ended_at"] is not None, 30)
    return album.get(id)


def state(album: Album, ids: list[UUID]) -> list[dict[str, Any]]:
    return [{**album.people.get(one), "updated_at": None} for one in ids]


def counts(done: Mapping[str, Any]) -> dict[str, int]:
    """Of the undo, those that are not 0."""
    return {name: done["undo"][name] for name in ("undone", *KEPT) if done["undo"][name]}


def test_all_faces_return_to_the_identities_that_they_had(album: Album) -> None:
    everybody = [*album.several(1, 4), *album.several(2, 3), *album.several(3, 1)]
    before = state(album, everybody)
    done = album.cluster()
    assert done["figures"]["joined"] == 5

    undone = undo(album, done["id"])

    assert (undone["state"], undone["undo"]["by"], undone["problem"]) == ("undone", ANYONE, None)
    assert undone["figures"] == done["figures"]
    assert counts(undone) == {"undone": 5}
    assert state(album, everybody) == before
    assert [album.who(1, face) for face in range(4)] == [str(one) for one in everybody[:4]]
    again = album.cluster()
    assert again["figures"]["joined"] == 5, "nobody has said that they are different people"


def test_what_people_have_named_merged_split_or_deleted_since_stays_and_is_counted(album: Album) -> None:
    named, merged, split, plain = (album.several(person, 3) for person in (1, 2, 3, 4))
    half = album.several(5, 3)
    other = album.add(6)
    done = album.cluster()
    people = album.people
    people.client.patch(f"{PATH}/identities/{named[0]}", json={"name": "Ann"}).raise_for_status()
    people.merge(merged[0], other)
    people.post(f"identities/{split[0]}/split", {"faces": [people.face_ids(split[0])[0]]}).raise_for_status()
    face = people.face_ids(half[0])[-1]
    people.client.delete(f"{PATH}/identities/{half[0]}/faces/{face}").raise_for_status()

    undone = undo(album, done["id"])

    assert counts(undone) == {
        "undone": 3,
        "kept_named": 2,
        "kept_merged": 2,
        "kept_split": 2,
        "kept_deleted": 1,
    }
    assert people.get(named[0])["faces_total"] == 3
    assert people.get(merged[0])["faces_total"] == 4
    assert people.get(split[0])["faces_total"] == 2
    assert [people.get(one)["faces_total"] for one in plain] == [1, 1, 1]
    assert sorted(people.get(one)["faces_total"] for one in half[:2]) == [1, 1]


def test_who_was_merged_into_somebody_else_stays_there(album: Album) -> None:
    ann = album.several(1, 2)
    into = album.add(2)
    done = album.cluster()
    album.people.merge(into, ann[0])

    assert counts(undo(album, done["id"])) == {"kept_merged": 1}
    assert album.people.get(into)["faces_total"] == 3


def test_what_was_left_is_undone_when_people_have_undone_their_own_changes(album: Album) -> None:
    ann = album.several(1, 3)
    other = album.add(2)
    done = album.cluster()
    merge = album.people.merge(ann[0], other)
    assert counts(undo(album, done["id"])) == {"kept_merged": 2}
    album.people.undo(merge)

    undone = undo(album, done["id"])

    assert counts(undone) == {"undone": 2}
    assert [album.people.get(one)["faces_total"] for one in (*ann, other)] == [1, 1, 1, 1]


def test_a_join_that_somebody_has_undone_alone_is_left_out(album: Album) -> None:
    ann = album.several(1, 3)
    done = album.cluster()
    [newest, _] = album.people.client.get(f"{PATH}/people-changes").json()["changes"]
    album.people.undo(newest)

    assert counts(undo(album, done["id"])) == {"undone": 1}
    assert [album.people.get(one)["faces_total"] for one in ann] == [1, 1, 1]


def test_a_later_clustering_stays_and_is_undone_on_its_own(album: Album) -> None:
    ann = album.several(1, 2)
    first = album.cluster()
    new = album.add(1, 7)
    second = album.cluster()

    assert counts(undo(album, first["id"])) == {"undone": 1}
    assert [album.people.get(one)["faces_total"] for one in ann] == [2, 1]
    assert counts(undo(album, second["id"])) == {"undone": 1}
    assert [album.people.get(one)["faces_total"] for one in (*ann, new)] == [1, 1, 1]


def test_groups_that_became_one_are_two_again(album: Album, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where one transaction undoes a join to an identity that it has restored itself."""
    one, other = album.several(1, 3), album.several(1, 2, first=5)
    for first, second in ((one[0], one[1]), (one[0], one[2]), (other[0], other[1])):
        album.people.merge(first, second)
    before = state(album, [one[0], other[0]])
    done = album.cluster(join_groups=True)
    with album.people.database.transaction() as session:  # as if one clustering had made all of them
        session.execute(text("UPDATE person_change SET job_id = :id"), {"id": done["id"]})

    undone = undo(album, done["id"])

    assert counts(undone) == {"undone": 4}
    assert before[0]["faces_total"] == 3
    assert [album.people.get(identity)["faces_total"] for identity in (*one, *other)] == [1] * 5


def test_who_joined_somebody_with_a_name_leaves_them_and_the_name_stays(album: Album) -> None:
    group, ann = album.several(1, 2), album.add(1, 9, name="Ann")
    everybody = [*group, ann]
    before = state(album, everybody)
    done = album.cluster(join_named=True)
    assert (done["figures"]["joined"], done["figures"]["named"]) == (1, 1)

    assert counts(undo(album, done["id"])) == {"undone": 2}
    assert state(album, everybody) == before


def test_reviews_of_a_joined_identity_return_with_it(album: Album) -> None:
    """By the undo of a single merge."""
    ann = album.several(1, 2)
    bea = album.add(2, name="Bea")
    with album.people.database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO review (id, gallery_id, kind, identity_id, other_id, score, threshold)"
                " SELECT :id, id, 'duplicate', :one, :other, 0.5, 0.4 FROM gallery WHERE name = :gallery"
            ),
            {"id": uuid4(), "one": ann[1], "other": bea, "gallery": GALLERY},
        )
    [before] = album.people.client.get(f"{PATH}/reviews").json()["reviews"]
    done = album.cluster()
    [moved] = album.people.client.get(f"{PATH}/reviews").json()["reviews"]
    assert moved["identity_id"] == str(ann[0])

    assert counts(undo(album, done["id"])) == {"undone": 1}

    [after] = album.people.client.get(f"{PATH}/reviews").json()["reviews"]
    assert (after["id"], after["identity_id"]) == (before["id"], str(ann[1]))


def test_visitors_are_visitors_again(album: Album) -> None:
    visitor, group = album.several(1, 2)
    with album.people.database.transaction() as session:
        session.execute(
            text("UPDATE identity SET last_seen_at = '2026-03-01' WHERE id = :id"), {"id": visitor}
        )
    before = state(album, [visitor, group])
    done = album.cluster()
    assert album.people.get(visitor)["last_seen_at"] is None

    undo(album, done["id"])

    assert state(album, [visitor, group]) == before


def test_the_same_request_again_changes_nothing(album: Album) -> None:
    album.several(1, 2)
    done = album.cluster()
    first = undo(album, done["id"])

    again = begin(album, done["id"])

    assert again == first


def test_the_audit_record_says_who_has_undone_which_join_of_which_clustering(album: Album) -> None:
    ann = album.several(1, 2)
    done = album.cluster()
    database = album.people.database
    token = current_caller.set(Caller(name="bob"))
    with database.transaction() as session:
        jobs.begin_undo(session, galleries.get(session, GALLERY), UUID(done["id"]))
    current_caller.reset(token)
    wait_for(lambda: album.get(done["id"])["state"] == "undone", 30)

    assert (album.get(done["id"])["created_by"], album.get(done["id"])["undo"]["by"]) == (ANYONE, "bob")
    with database.reading() as session:
        rows = session.execute(
            text(
                "SELECT action, identity_id, caller, details FROM audit_event WHERE gallery = :gallery"
                " AND details->>'clustering' = :id ORDER BY number"
            ),
            {"gallery": GALLERY, "id": done["id"]},
        ).all()
    assert [(row.action, row.caller) for row in rows] == [
        ("clustering.started", ANYONE),
        ("identity.merged", ANYONE),
        ("clustering.changed", "bob"),
        ("change.undone", "bob"),
    ]
    assert rows[2].details["state"] == "undoing"
    assert rows[3].identity_id == ann[0]
    assert (rows[3].details["other"], rows[3].details["faces"]) == (str(ann[1]), 1)


def test_a_dry_run_and_a_clustering_that_is_at_work_cannot_be_undone(album: Album) -> None:
    album.several(1, 2)
    dry = album.cluster(dry_run=True)
    done = album.cluster()
    client = album.people.client
    assert_problem(client.post(f"{CLUSTERINGS}/{dry['id']}/undo"), 409, "clustering_state")
    open_ = album.claimed("elsewhere").job
    assert_problem(client.post(f"{CLUSTERINGS}/{open_.id}/undo"), 409, "clustering_state")
    assert_problem(client.post(f"{CLUSTERINGS}/{done['id']}/undo"), 409, "clustering_exists")
    assert_problem(client.post(f"{CLUSTERINGS}/{uuid4()}/undo"), 404, "clustering_not_found")
    client.post(f"{CLUSTERINGS}/{open_.id}/cancel").raise_for_status()


def test_an_undo_that_is_cancelled_keeps_what_it_has_undone_and_goes_on_when_it_is_requested_again(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = album.several(1, 5)
    done = album.cluster()
    monkeypatch.setattr(join, "PAIRS", 2)
    database, engine = album.people.database, album.people.engine
    with database.transaction() as session:
        job = jobs.begin_undo(session, galleries.get(session, GALLERY), UUID(done["id"]), worker="here")

    def cancel(figures: Mapping[str, Any]) -> None:
        if figures.get("undone"):
            album.people.client.post(f"{CLUSTERINGS}/{done['id']}/cancel").raise_for_status()

    run = UndoRun(
        index_store=engine.index_store,
        calibrations=engine.calibrations,
        worker="here",
        job=job,
        observe=cancel,
    )
    with pytest.raises(LeaseLost):
        run.run()
    half = album.get(done["id"])
    assert (half["state"], half["undo"]["undone"]) == ("cancelled", 2)

    assert counts(undo(album, done["id"])) == {"undone": 4}
    assert [album.people.get(one)["faces_total"] for one in ann] == [1] * 5


def test_the_threshold_of_a_clustering_is_still_known_after_its_undo(album: Album) -> None:
    album.several(1, 2)
    done = album.cluster()
    undone = undo(album, done["id"])
    assert (undone["threshold"], undone["used_threshold"]) == (THRESHOLD, THRESHOLD)
    assert undone["figures"]["joined"] == 1
