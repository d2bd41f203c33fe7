"""What PostgreSQL reads for one shard: its part and little else, whatever the statistics say.

`benchmarks/shard_parts` measures the same with hundreds of thousands of faces.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import TextClause, text

from indexer.records import galleries, models
from indexer.records.database.session import Database, Session
from indexer.records.enrolled.parts import contents as part_contents
from indexer.records.tables import Gallery
from indexer.types import Part

MODEL, DIMENSION = "some-model-1", 128
PEOPLE, SHARDS, BLOCK = 3_200, 8, 100
TABLES = {"identity", "face", "person_template", "embedding"}


def fill(database: Database, gallery: Gallery) -> None:
    """A person has one face, and a template."""
    with database.transaction() as session:
        number = models.register(session, MODEL, DIMENSION)
        given = {"gallery": gallery.id, "people": PEOPLE, "model": number, "bytes": 4 * DIMENSION}
        for statement in (
            "INSERT INTO identity (id, gallery_id, external_id, search_words)"
            " SELECT gen_random_uuid(), :gallery, i, '' FROM generate_series(1, :people) AS i",
            "INSERT INTO face (key, id, identity_id, box, landmarks, confidence, quality, quality_components,"
            " image_sha256) SELECT number, gen_random_uuid(), id, array_fill(0::real, '{4}'),"
            " array_fill(0::real, '{10}'), 1, 100, '{}', sha256(id::text::bytea)"
            " FROM identity WHERE gallery_id = :gallery ORDER BY number",
            "INSERT INTO embedding (face_key, model_id, vector)"
            " SELECT number, :model, decode(repeat('00', :bytes), 'hex')"
            " FROM identity WHERE gallery_id = :gallery ORDER BY number",
            "INSERT INTO person_template (gallery_id, key, identity_id)"
            " SELECT gallery_id, number + 1000000, id FROM identity"
            " WHERE gallery_id = :gallery",
        ):
            session.execute(text(statement), given)


def analyze(database: Database, *, vacuum: bool = False) -> None:
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if vacuum else "ANALYZE"))


@pytest.fixture(params=["right", "empty"])
def gallery(database: Database, request: pytest.FixtureRequest) -> Gallery:
    """With statistics that are right, or that say that the tables are empty: these were analysed just after
    another gallery was deleted."""
    with database.transaction() as session:
        first = galleries.create(session, "first")
    if request.param == "empty":
        fill(database, first)
        with database.transaction() as session:
            galleries.remove(session, first.id)
        analyze(database)
    with database.transaction() as session:
        made = galleries.create(session, "staff")
        neighbour = galleries.create(session, "neighbour")
    fill(database, neighbour)
    fill(database, made)
    if request.param == "right":
        analyze(database, vacuum=True)
    return made


def explain(session: Session, statement: TextClause, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Every node of the plan, as it ran."""
    explained = text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.text}")
    found = session.execute(explained, arguments).scalar_one()
    plan = json.loads(found) if isinstance(found, str) else found
    return list(nodes(plan[0]["Plan"]))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def rows_touched(plan: list[dict[str, Any]]) -> dict[str, int]:
    """Of each table: rows that were read, returned or not."""
    touched = dict.fromkeys(TABLES, 0)
    for node in plan:
        if node.get("Relation Name") in TABLES:
            filtered = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            touched[node["Relation Name"]] += round((node["Actual Rows"] + filtered) * node["Actual Loops"])
    return touched


def part_arguments(session: Session, gallery: Gallery, part: Part) -> dict[str, Any]:
    numbers = session.execute(part_contents.NUMBERS, {"gallery_id": gallery.id}).one()
    assert numbers.last - numbers.first == PEOPLE - 1
    return part_contents.blocks(gallery.id, numbers.first, numbers.last, part)


def test_a_shard_finds_its_rows_by_indexes_and_reads_no_others(database: Database, gallery: Gallery) -> None:
    found = 0
    with database.reading() as session:
        for part in Part.every(SHARDS, BLOCK):
            plan = explain(session, part_contents.ROWS, part_arguments(session, gallery, part))
            assert not [node for node in plan if is_scan_of_all(node)]
            touched = rows_touched(plan)
            found += touched["face"]
            # Each person is read for the faces and for the templates.
            assert touched["identity"] == 2 * touched["face"]
            assert touched["face"] <= PEOPLE // SHARDS + BLOCK
            assert touched["person_template"] == touched["face"]
    assert found == PEOPLE


def test_a_shard_reads_about_an_eighth_of_the_pages_of_embeddings(
    database: Database, gallery: Gallery
) -> None:
    with database.transaction() as session:
        whole = pages(session, gallery, None)
        for part in Part.every(SHARDS, BLOCK):
            keys, _ = part_contents.keys_of(session, gallery.id, part)
            faces = [key for key in keys.tolist() if key < 1_000_000]
            plan = explain(session, part_contents.VECTORS, {"keys": faces, "fingerprint": MODEL})
            assert not [node for node in plan if is_scan_of_all(node)]
            assert rows_touched(plan)["embedding"] == len(faces)
            blocks = -(-len(faces) // BLOCK)
            assert len(pages(session, gallery, faces)) <= len(whole) / SHARDS + 2 * blocks + 1
        assert len(whole) > 200


def is_scan_of_all(node: dict[str, Any]) -> bool:
    return node["Node Type"] == "Seq Scan" and node["Relation Name"] in TABLES


def pages(session: Session, gallery: Gallery, keys: list[int] | None) -> set[int]:
    """Of the table `embedding`: those with a face of the gallery, or with one of `keys`."""
    if keys is None:
        keys = list(session.scalars(text(_KEYS), {"gallery": gallery.id}))
    found = text("SELECT DISTINCT (ctid::text::point)[0]::int FROM embedding WHERE face_key = ANY(:keys)")
    return set(session.scalars(found, {"keys": keys}))


_KEYS = "SELECT key FROM face JOIN identity ON identity.id = identity_id WHERE gallery_id = :gallery"
