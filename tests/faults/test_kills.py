"""A process is killed at every step: what it acknowledged holds, the rest is there wholly or not at all."""

from pathlib import Path

import pytest
from sqlalchemy import text

from indexer.records import galleries
from indexer.records.database.session import Database
from tests.support.faults.driven import Driven, Killed
from tests.support.faults.node import Node
from tests.support.faults.steps import STEPS


@pytest.mark.parametrize(
    ("operation", "step"), [(operation, step) for operation, steps in STEPS.items() for step in steps]
)
def test_killed_at_this_step(
    database: Database, migrated: str, tmp_path: Path, operation: str, step: str
) -> None:
    with database.transaction() as session:
        galleries.create(session, "staff")
    before = Node(migrated, tmp_path, keeping=False)
    for person in range(25):
        before.enrol(person)
    assert before.finds(3), "which builds the index, and writes the first snapshot"
    before.enrol(25)
    before.delete(0)
    before.close()
    acknowledged = set(range(1, 26))
    several = Node(migrated, tmp_path, keeping=False)
    several.photograph(7, 1)
    several.close()
    victim = Driven(migrated, tmp_path)
    if operation in ("enrol", "photograph", "delete", "swap"):
        victim.do("search", person=1)  # its index is open
        victim.do("enrol", person=26)
        acknowledged.add(26)
    victim.do("die", step=step)

    with pytest.raises(Killed):
        match operation:
            case "enrol":
                victim.do("enrol", person=100)
            case "photograph":
                victim.do("photograph", person=7, number=2)
            case "delete":
                victim.do("delete", person=5)
            case "start":
                victim.do("search", person=1)
            case _:
                victim.do("rebuild" if operation == "rebuild" else "swap")
                victim.do("rebuild" if operation == "rebuild" else "swap")  # a second one has to prune
                victim.do("rebuild" if operation == "rebuild" else "swap")
    victim.kill()

    after = Node(migrated, tmp_path, keeping=False)
    enrolled = after.enrolled()
    in_flight = {"enrol": {100}, "delete": {5}}.get(operation, set())
    assert enrolled - in_flight == acknowledged - in_flight
    assert {p for p in [*range(30), 100] if after.finds(p)} == enrolled
    assert after.verify().clean
    with database.reading() as session:
        counts = session.execute(
            text(
                "SELECT (SELECT count(*) FROM identity), (SELECT count(*) FROM face),"
                " (SELECT count(*) FROM embedding), (SELECT face_count FROM gallery),"
                " (SELECT count(*) FROM change) - (SELECT change_number FROM gallery),"
                " (SELECT count(*) FROM person_template)"
            )
        ).one()
    people, faces, *others = counts
    assert people == len(enrolled)
    assert faces - people in ((1, 2) if operation == "photograph" else (1,))
    assert others == [faces, faces, 0, 1]
    after.enrol(200)
    assert after.finds(200), "and work goes on"
    after.close()
