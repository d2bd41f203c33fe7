"""What is deleted with a person: of the tables that grow with every merge, by their indexes."""

import pytest
from sqlalchemy import text

from indexer.records.people import erasure
from tests.integration.people.conftest import People


@pytest.mark.parametrize("statement", [erasure._WITH_MERGED, erasure._FORGET], ids=["merged", "forget"])
def test_a_deletion_reads_no_whole_table_while_the_gallery_is_locked(
    people: People, statement: object
) -> None:
    """A clustering leaves a row of `person_change` for each face that it joins."""
    values = {"identity_ids": [str(people.enrol(1))], "forgotten": [str(people.enrol(2))]}
    with people.database.transaction() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))  # these tables are small
        plan = "\n".join(session.scalars(text(f"EXPLAIN {statement}"), values))

    assert "Index Scan" in plan
    for table in ("person_change", "review", "distinct_people", "import_file"):
        assert f"Seq Scan on {table}" not in plan


def test_a_deletion_takes_what_was_merged_over_several_steps(people: People) -> None:
    one, two, three, other = (people.enrol(n, name=f"n{n}") for n in range(1, 5))
    people.merge(two, three)
    people.merge(one, two)
    people.merge(other, people.enrol(9, name="n9"))

    people.client.delete(f"/v1/galleries/staff/identities/{one}").raise_for_status()

    with people.database.reading() as session:
        left = session.scalars(text("SELECT identity_id FROM person_change")).all()
    assert left == [other]
