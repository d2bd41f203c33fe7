"""Clusterings of a gallery over HTTP: which anonymous identities become one, and who is left alone."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from indexer import memory
from indexer.errors import LeaseLost
from indexer.gallery_jobs.clustering import join
from indexer.gallery_jobs.clustering.join import Pair
from indexer.records import galleries
from indexer.records.gallery_jobs import jobs
from indexer.records.gallery_jobs.kinds import CLUSTERING
from tests.integration.people.album import CLUSTERINGS, OPTIONS, THRESHOLD, Album
from tests.integration.people.conftest import GALLERY, PATH, People
from tests.support.asking import assert_problem


@pytest.fixture
def album(people: People) -> Iterator[Album]:
    yield Album(people)
    for one in people.client.get(CLUSTERINGS).json()["clusterings"]:
        if one["ended_at"] is None:
            people.client.post(f"{CLUSTERINGS}/{one['id']}/cancel").raise_for_status()


def test_faces_of_one_person_become_one_identity_and_a_second_run_changes_nothing(album: Album) -> None:
    ann, bea, cleo = album.several(1, 4), album.several(2, 3), album.several(3, 1)
    named = album.add(4, name="Dora")

    done = album.cluster()

    assert (done["state"], done["problem"], done["used_threshold"]) == ("done", None, THRESHOLD)
    assert done["figures"] == {
        "faces": 8,
        "compared": 8,
        "groups": 2,
        "grouped": 7,
        "joined": 5,
        "named": 0,
        "reviews": 0,
    }
    expected = {str(ann[0]): 4, str(bea[0]): 3, str(cleo[0]): 1}
    assert album.sizes() == expected, "the oldest remains"
    assert [album.who(1, face) for face in range(4)] == [str(ann[0])] * 4
    assert album.who(4) == str(named)

    again = album.cluster()
    assert (again["figures"]["joined"], album.sizes()) == (0, expected)


def test_new_faces_join_groups_that_keep_their_ids_and_open_new_ones(album: Album) -> None:
    ann = album.several(1, 3)
    album.cluster()

    album.several(1, 2, first=10)
    bea = album.several(2, 2)
    done = album.cluster()

    assert done["figures"]["joined"] == 3
    assert album.sizes() == {str(ann[0]): 5, str(bea[0]): 2}


def test_groups_become_one_only_if_that_is_asked_for(album: Album) -> None:
    one, other = album.several(1, 3), album.several(1, 2, first=5)
    people = album.people
    for first, second in ((one[0], one[1]), (one[0], one[2]), (other[0], other[1])):
        people.merge(first, second)

    album.cluster()
    assert album.sizes() == {str(one[0]): 3, str(other[0]): 2}

    done = album.cluster(join_groups=True)
    assert (done["figures"]["joined"], album.sizes()) == (1, {str(one[0]): 5})
    assert album.who(1, 6) == str(one[0])


def test_each_join_names_its_clustering_in_the_audit_record(album: Album) -> None:
    """Of a face alone, and of a group."""
    one, other = album.several(1, 3), album.several(1, 2, first=5)
    for first, second in ((one[0], one[1]), (other[0], other[1])):
        album.people.merge(first, second)

    done = album.cluster(join_groups=True)

    assert done["figures"]["joined"] == 2
    with album.people.database.reading() as session:
        joined = session.scalars(
            text(
                "SELECT details->>'other' FROM audit_event WHERE action = 'identity.merged'"
                " AND details->>'clustering' = :id"
            ),
            {"id": done["id"]},
        ).all()
    assert set(joined) == {str(one[2]), str(other[0])}


def test_a_group_like_somebody_with_a_name_gets_one_review_or_joins_on_request(album: Album) -> None:
    group = album.several(1, 2)
    ann = album.add(1, 9, name="Ann")
    people = album.people

    done = album.cluster()

    assert (done["figures"]["joined"], done["figures"]["reviews"]) == (1, 1)
    [review] = people.client.get(f"{PATH}/reviews").json()["reviews"]
    assert (review["identity_id"], review["other_id"]) == (str(group[0]), str(ann))
    assert review["kind"] == "duplicate"
    assert people.get(ann)["faces_total"] == 1
    assert album.cluster()["figures"]["reviews"] == 0

    joined = album.cluster(join_named=True)
    assert joined["figures"]["named"] == 1
    assert (people.get(ann)["faces_total"], people.get(ann)["name"]) == (3, "Ann")
    assert album.sizes() == {}


def test_single_faces_join_somebody_with_a_name_on_request_and_that_is_undone(album: Album) -> None:
    face, ann = album.add(1), album.add(1, 9, name="Ann")
    people = album.people
    before = [{**people.get(one), "updated_at": None} for one in (face, ann)]

    assert album.cluster(join_named=True)["figures"]["named"] == 1
    assert people.get(ann)["faces_total"] == 2
    [change] = people.client.get(f"{PATH}/people-changes").json()["changes"]
    people.undo(change)

    assert [{**people.get(one), "updated_at": None} for one in (face, ann)] == before


def test_a_dry_run_lists_the_groups_and_changes_nothing(album: Album) -> None:
    ann, bea = album.several(1, 3), album.several(2, 1)
    before = album.sizes()
    with album.people.database.transaction() as session:
        session.execute(text("UPDATE face SET box = '{1.26, 2.0449, 3, 4.04}'"))

    done = album.cluster(dry_run=True)

    assert (done["figures"]["groups"], done["figures"]["joined"], album.sizes()) == (1, 0, before)
    found = album.people.client.get(f"{CLUSTERINGS}/{done['id']}/groups").raise_for_status().json()
    [group] = found["groups"]
    assert group["id"] == str(ann[0])
    assert [face["identity_id"] for face in group["faces"]] == [str(one) for one in ann]
    assert [face["identity_id"] for face in found["unassigned"]] == [str(one) for one in bea]
    assert group["faces"][0]["box"] == {"x": 1.3, "y": 2.0, "width": 3.0, "height": 4.0}, "one decimal"
    real = album.cluster()
    answer = album.people.client.get(f"{CLUSTERINGS}/{real['id']}/groups")
    assert_problem(answer, 409, "clustering_state")
    old = album.people.client.get(f"{CLUSTERINGS}/{done['id']}/groups")
    assert_problem(old, 409, "clustering_state")


def test_each_join_is_a_merge_that_can_be_undone(album: Album) -> None:
    ann = album.several(1, 3)
    people = album.people
    before = {one: people.get(one) for one in ann}
    album.cluster()
    gone = people.client.get(f"{PATH}/identities/{ann[2]}")
    assert assert_problem(gone, 409, "identity_merged")["into"] == str(ann[0])
    changes_ = people.client.get(f"{PATH}/people-changes").json()["changes"]
    assert [change["kind"] for change in changes_] == ["merge"] * 2

    for change in changes_:
        people.undo(change)

    for one, was in before.items():
        assert {**people.get(one), "updated_at": None} == {**was, "updated_at": None}
    assert album.who(1, 2) == str(ann[2])


def test_who_was_split_off_and_faces_of_one_picture_are_not_joined(album: Album) -> None:
    people = album.people
    ann = album.several(1, 3)
    album.cluster()
    wrong = people.face_ids(ann[0])[-1]
    split = people.post(f"identities/{ann[0]}/split", {"faces": [wrong]}).json()["other_id"]
    same_picture = [album.add(2, 0, picture=7), album.add(2, 1, picture=7), album.add(2, 2)]

    done = album.cluster()

    assert done["figures"]["joined"] == 1
    assert album.sizes() == {
        str(ann[0]): 2,
        str(split): 1,
        str(same_picture[0]): 2,
        str(same_picture[1]): 1,
    }
    assert album.cluster()["figures"]["joined"] == 0


def test_hidden_groups_stay_hidden_and_still_grow(album: Album) -> None:
    ann = album.several(1, 2)
    album.cluster()
    people = album.people
    people.client.patch(f"{PATH}/identities/{ann[0]}", json={"hidden": True}).raise_for_status()
    album.several(1, 1, first=5)

    album.cluster()

    assert album.sizes() == {str(ann[0]): 3}
    assert people.get(ann[0])["hidden"]


def test_whoever_was_deleted_named_merged_or_photographed_since_is_left_alone(album: Album) -> None:
    """Between the reading of the faces and the writing."""
    people = album.people
    target, gone, named, merged, grown, plain = album.several(1, 6)
    into = album.add(2)
    pairs = [Pair(into=target, joined=one) for one in (gone, named, merged, plain)]
    people.client.delete(f"{PATH}/identities/{gone}").raise_for_status()
    people.client.patch(f"{PATH}/identities/{named}", json={"name": "Nora"}).raise_for_status()
    people.merge(into, merged)
    lost = album.add(3)
    people.client.delete(f"{PATH}/identities/{lost}").raise_for_status()
    pairs.append(Pair(into=lost, joined=grown))
    gallery_id = UUID(people.client.get(PATH).json()["id"])

    with people.database.transaction() as session:
        joined = join.join(session, gallery_id, uuid4(), pairs)

    assert joined == 1
    assert people.get(target)["faces_total"] == 2
    assert people.get(named)["faces_total"] == people.get(grown)["faces_total"] == 1
    assert people.get(into)["faces_total"] == 2


def test_a_clustering_for_which_memory_is_missing_reads_nothing_and_says_how_much_it_takes(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four vectors for each unnamed face, and two for each person with a name."""
    album.several(1, 2)
    album.add(2, name="Ann")
    dimension = album.people.engine.pipeline.card.dimension
    needed = (4 * 2 + 2) * dimension * 4

    monkeypatch.setattr(memory, "available_bytes", lambda: needed - 1)
    rejected = album.cluster()
    monkeypatch.setattr(memory, "available_bytes", lambda: needed)

    assert rejected["state"] == "failed"
    assert "2 unnamed faces" in rejected["problem"]
    assert rejected["figures"]["faces"] == 0
    assert album.cluster()["figures"]["joined"] == 1


def test_two_clusterings_of_a_gallery_at_once_are_rejected(album: Album) -> None:
    album.claimed("elsewhere")
    answer = album.people.client.post(CLUSTERINGS, json={})
    assert_problem(answer, 409, "clustering_exists")


def test_a_cancelled_clustering_writes_nothing_more(album: Album) -> None:
    before = album.several(1, 3)
    run = album.claimed("elsewhere")
    cancelled = album.people.client.post(f"{CLUSTERINGS}/{run.job.id}/cancel").raise_for_status().json()
    assert cancelled["state"] == "cancelled"

    with pytest.raises(LeaseLost):
        run.run()

    assert album.sizes() == dict.fromkeys(map(str, before), 1)
    again = album.people.client.post(f"{CLUSTERINGS}/{run.job.id}/cancel")
    assert again.raise_for_status().json()["state"] == "cancelled"
    done = album.cluster()
    answer = album.people.client.post(f"{CLUSTERINGS}/{done['id']}/cancel")
    assert_problem(answer, 409, "clustering_state")


def test_a_worker_whose_lease_another_has_taken_writes_nothing(album: Album) -> None:
    before = album.several(1, 3)
    run = album.claimed("slow")
    with album.people.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE gallery_job SET worker = 'fast'")

    with pytest.raises(LeaseLost):
        run.run()

    assert album.sizes() == dict.fromkeys(map(str, before), 1)


def test_an_empty_gallery_has_nothing_to_cluster(album: Album) -> None:
    done = album.cluster(dry_run=True)
    assert done["state"] == "done"
    found = album.people.client.get(f"{CLUSTERINGS}/{done['id']}/groups").json()
    assert found == {"groups": [], "unassigned": []}


def test_without_a_threshold_it_follows_from_a_false_alarm_rate_of_ten_percent(album: Album) -> None:
    album.several(1, 2)
    done = album.cluster(threshold=None)
    album.people.client.patch(PATH, json={"identify_fpir": 0.1}).raise_for_status()
    policy = album.people.client.get(PATH).json()["identification"]["threshold"]
    assert (done["threshold"], done["used_threshold"]) == (None, pytest.approx(policy, abs=1e-4))


@pytest.mark.parametrize("threshold", [0, -1, 1.5, "x"])
def test_a_threshold_out_of_range_is_rejected(people: People, threshold: object) -> None:
    answer = people.client.post(CLUSTERINGS, json={"threshold": threshold})
    assert_problem(answer, 422, "invalid_request")


def test_an_unknown_clustering_is_not_found(people: People) -> None:
    for method, path in (("GET", ""), ("GET", "/groups"), ("POST", "/cancel")):
        answer = people.client.request(method, f"{CLUSTERINGS}/{uuid4()}{path}")
        assert_problem(answer, 404, "clustering_not_found")


def test_a_clustering_whose_process_was_killed_does_not_prevent_the_next(album: Album) -> None:
    """As of a command, where no serving process takes it over."""
    ann = album.several(1, 2)
    run = album.claimed("killed")
    answer = album.people.client.post(CLUSTERINGS, json={})
    assert_problem(answer, 409, "clustering_exists")

    with album.people.database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE gallery_job SET leased_until = now() - interval '1 s'")
        new = jobs.create(session, galleries.get(session, GALLERY), CLUSTERING, OPTIONS, worker="next")
    album.run_of(new, "next").run()

    assert album.get(str(run.job.id))["state"] == "failed"
    assert album.sizes() == {str(ann[0]): 2}
    with pytest.raises(LeaseLost):
        run.run()
