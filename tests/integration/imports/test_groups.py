"""Several people who are enrolled together: one transaction, and for each person what it would get alone."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from indexer.errors import GemelError, InvalidRequest, LeaseLost
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import identities
from indexer.records.enrolled.new_identities import NewIdentity
from indexer.replica import maintenance
from indexer.types import DuplicateCheck, OnSeveralFaces
from indexer.usecases.enrolment.applicant import PersonOutcome, PersonPictures
from indexer.usecases.enrolment.people import enrol_people
from tests.support.faults.node import FURTHER, GALLERY, Node


@pytest.fixture
def node(database: Database, migrated: str, tmp_path: Path) -> Iterator[Node]:
    with database.transaction() as session:
        galleries.create(session, GALLERY)
    made = Node(migrated, tmp_path, keeping=False)
    yield made
    made.close()


def together(
    node: Node, people: Mapping[str, Sequence[int]], **options: Any
) -> dict[str, PersonOutcome | GemelError]:
    pictures = [
        PersonPictures(
            person=NewIdentity(external_id=external_id), images=[str(one).encode() for one in photographs]
        )
        for external_id, photographs in people.items()
    ]
    done = enrol_people(
        node.enroller,
        GALLERY,
        pictures,
        several_faces=OnSeveralFaces.REJECT,
        check=lambda: None,
        **{"allow_duplicates": False, **options},
    )
    return dict(zip(people, done, strict=True))


def outcomes(done: PersonOutcome | GemelError) -> list[str]:
    assert isinstance(done, PersonOutcome), done
    return [picture.outcome.value for picture in done.pictures]


def test_people_of_a_group_share_a_transaction_and_each_has_an_audit_event(
    node: Node, database: Database
) -> None:
    done = together(node, {"1": [1], "2": [2, 2 + FURTHER], "3": [3]})

    assert {name: outcomes(one) for name, one in done.items()} == {
        "1": ["enrolled"],
        "2": ["enrolled", "enrolled"],
        "3": ["enrolled"],
    }
    with database.reading() as session:
        transactions = session.execute(text("SELECT count(DISTINCT xmin::text) FROM identity")).scalar_one()
        events = session.execute(
            text(
                "SELECT identity_id, details ->> 'change_number' FROM audit_event"
                " JOIN identity ON identity.id = identity_id"
                " WHERE action = 'identity.enrolled' ORDER BY audit_event.number"
            )
        ).all()
        joined = session.execute(
            text(
                "SELECT count(*) FROM face JOIN audit_event ON audit_event.id = face.audit_id"
                " WHERE audit_event.identity_id = face.identity_id"
            )
        ).scalar_one()
        logged = session.execute(text("SELECT face_key FROM change ORDER BY number")).scalars().all()
    results = [one.result for one in done.values() if isinstance(one, PersonOutcome)]
    assert transactions == 1
    assert [(str(id), int(number)) for id, number in events] == [
        (str(result.identity.id), result.change_number) for result in results if result
    ]
    assert joined == 4
    assert logged == sorted(logged)  # faces and then templates, as the index requires
    assert [result.change_number for result in results if result] == [1, 5, 4]


def test_an_index_that_was_open_finds_everybody_of_a_group(node: Node) -> None:
    node.enrol(9)
    assert node.finds(9)
    maintenance.snapshot(node.index_store, node.gallery())

    together(node, {str(one): [one, one + FURTHER] for one in range(1, 6)} | {"9": [9 + FURTHER]})

    assert all(node.finds(person) for person in (*range(1, 6), 9))
    verified = node.verify()
    assert verified.clean
    assert (verified.count, verified.templates, verified.applied) == (12, 6, 18)


def test_each_person_of_a_group_gets_a_report_of_known_pictures(node: Node) -> None:
    together(node, {"1": [1], "2": [2]})

    done = together(node, {"1": [1], "2": [2, 2 + FURTHER], "3": [3]})

    assert [outcomes(one) for one in done.values()] == [["known"], ["known", "enrolled"], ["enrolled"]]
    assert [isinstance(one, PersonOutcome) and one.created for one in done.values()] == [False, False, True]
    assert node.gallery().face_count == 4


def test_a_person_who_is_rejected_keeps_no_other_out_of_the_gallery(node: Node) -> None:
    done = together(node, {"1": [1], "line\nend": [2], "3": [3]})

    assert isinstance(done["line\nend"], InvalidRequest)
    assert outcomes(done["1"]) == outcomes(done["3"]) == ["enrolled"]
    assert node.gallery().face_count == 2


def test_a_name_that_cannot_be_stored_keeps_no_other_out_of_the_gallery(node: Node) -> None:
    pictures = [
        PersonPictures(person=NewIdentity(external_id=str(one), name=name), images=[str(one).encode()])
        for one, name in ((1, "Ada"), (2, "line\nend"), (3, "Grace"))
    ]
    commits: list[set[int]] = []

    done = enrol_people(
        node.enroller,
        GALLERY,
        pictures,
        several_faces=OnSeveralFaces.REJECT,
        allow_duplicates=False,
        check=lambda: None,
        commit=lambda _, people: commits.append(set(people)),
    )

    assert isinstance(done[1], InvalidRequest)
    assert node.gallery().face_count == 2
    assert commits == [{0}, {2}]


def test_nothing_of_a_group_is_kept_if_its_commit_fails(node: Node, database: Database) -> None:
    def fail(*_: object) -> None:
        raise LeaseLost("somebody else has the files")

    events = text("SELECT number FROM audit_head")
    with database.reading() as session:
        before = session.execute(events).scalar_one()

    done = together(node, {"1": [1], "2": [2]}, commit=fail)

    assert all(isinstance(one, LeaseLost) for one in done.values())
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM identity")).scalar_one() == 0
        assert session.execute(events).scalar_one() == before
    assert node.gallery().change_number == 0


def test_somebody_who_was_created_meanwhile_gets_the_picture(node: Node, database: Database) -> None:
    prepare = node.enroller.transaction.duplicates.prepare

    class Meanwhile:
        def prepare(self, *arguments: Any) -> None:
            prepare(*arguments)
            with database.transaction() as session:
                gallery = galleries.lock(session, node.gallery().id)
                identities.create(session, gallery.id, external_id="2", name="first", metadata={})

        check = node.enroller.transaction.duplicates.check

    object.__setattr__(node.enroller.transaction, "duplicates", Meanwhile())

    done = together(node, {"1": [1], "2": [2]})

    assert [outcomes(one) for one in done.values()] == [["enrolled"], ["enrolled"]]
    assert [isinstance(one, PersonOutcome) and one.created for one in done.values()] == [True, False]


@pytest.mark.parametrize("enrolled", [[], [7]])
def test_of_two_of_a_group_who_look_alike_only_the_first_passes_the_duplicate_check(
    node: Node, database: Database, enrolled: list[int]
) -> None:
    with database.transaction() as session:
        galleries.lock(session, node.gallery().id).duplicate_check = DuplicateCheck.REJECT
    for person in enrolled:
        node.enrol(person)

    done = together(node, {"1": [1], "2": [2], "also 1": [1 + FURTHER], "3": [3]})

    assert outcomes(done["1"]) == outcomes(done["2"]) == outcomes(done["3"]) == ["enrolled"]
    rejected = done["also 1"]
    assert isinstance(rejected, PersonOutcome)
    assert [picture.code for picture in rejected.pictures] == ["duplicate_identity"]
    assert [candidate.external_id for candidate in rejected.duplicates] == ["1"]


def test_two_spellings_of_an_external_id_are_one_person(node: Node) -> None:
    composed, decomposed = "Ren\u00e9", "Rene\u0301"
    first = together(node, {composed: [1], decomposed: [1 + FURTHER], "2": [2]})
    both = 1 + 4 * FURTHER

    second = together(
        node, {composed: [1 + 2 * FURTHER, both], decomposed: [1 + 3 * FURTHER, both], "2": [2 + FURTHER]}
    )

    assert [outcomes(one) for one in first.values()] == [["enrolled"]] * 3
    assert [outcomes(one) for one in second.values()] == [
        ["enrolled", "enrolled"],
        ["enrolled", "known"],
        ["enrolled"],
    ]
    assert node.gallery().face_count == 7
    verified = node.verify()
    assert verified.clean
    assert verified.templates == 2
