"""The migrations create the schema that the code expects, and can be undone."""

import json
from collections.abc import Iterator
from uuid import UUID

import alembic.command
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from indexer.records import galleries
from indexer.records.audit.partitions import PREFIX
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.records.enrolled import identity_lists
from indexer.records.enrolled.identity_lists import Search
from indexer.records.enrolled.words import unsearched
from indexer.records.tables import Base
from indexer.types import LOG_START


@pytest.fixture
def fresh(postgresql: str) -> Iterator[Database]:
    """An empty database."""
    with Database(postgresql).engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE IF EXISTS fresh WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE fresh"))
    database = Database(postgresql.replace("/postgres?", "/fresh?"))
    yield database
    database.close()


def test_the_migrated_database_equals_the_tables(fresh: Database) -> None:
    schema.migrate(fresh)

    with fresh.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_no_partition})
        assert compare_metadata(context, Base.metadata) == []


def _is_no_partition(_: object, name: str | None, type: str, *__: object) -> bool:
    """Partitions are made month by month."""
    return type != "table" or not str(name).startswith(PREFIX)


def test_every_check_constraint_of_the_tables_is_in_the_database(fresh: Database) -> None:
    """`compare_metadata` does not compare them."""
    schema.migrate(fresh)

    inspector = inspect(fresh.engine)
    for table in Base.metadata.sorted_tables:
        wanted = {c.name for c in table.constraints if isinstance(c, CheckConstraint)}
        found = {c["name"] for c in inspector.get_check_constraints(table.name)}
        assert found == wanted, table.name


def test_migrating_twice_does_nothing_the_second_time(fresh: Database) -> None:
    assert schema.migrate(fresh) == schema.migrate(fresh)


def test_a_downgrade_to_the_beginning_leaves_no_table(fresh: Database) -> None:
    schema.migrate(fresh)
    with fresh.engine.connect() as connection, connection.begin():
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        alembic.command.downgrade(config, "base")

    assert inspect(fresh.engine).get_table_names() == ["alembic_version"]


def test_a_gallery_older_than_calibrations_uses_the_settings_and_the_card(fresh: Database) -> None:
    schema.migrate(fresh, "0003")
    with fresh.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO gallery (id, name, store_crops) VALUES (gen_random_uuid(), 'old', true)")
        )

    schema.migrate(fresh)

    with fresh.reading() as session:
        gallery = galleries.get(session, "old")
    assert (gallery.identify_fpir, gallery.calibration_id) == (None, None)


def test_galleries_of_removed_tiers_are_searched_as_the_settings_say(fresh: Database) -> None:
    schema.migrate(fresh, "0010")
    with fresh.engine.begin() as connection:
        for tier in ("graph", "ivf", "compact", None):
            connection.execute(
                text(
                    "INSERT INTO gallery (id, name, store_crops, index_tier)"
                    " VALUES (gen_random_uuid(), :name, true, :tier)"
                ),
                {"name": tier or "none", "tier": tier},
            )

    schema.migrate(fresh)

    with fresh.engine.begin() as connection:
        rows = connection.execute(text("SELECT name, index_tier FROM gallery")).tuples()
        assert dict(rows.all()) == {"graph": None, "ivf": None, "compact": "compact", "none": None}


def test_older_galleries_and_their_calibrations_keep_the_score_of_the_nearest_face(fresh: Database) -> None:
    schema.migrate(fresh, "0015")
    with fresh.engine.begin() as connection:
        for statement in (
            "INSERT INTO model (fingerprint, dimension) VALUES ('old', 4)",
            "INSERT INTO gallery (id, name, store_crops, model_id, change_number)"
            " SELECT gen_random_uuid(), 'old', true, id, 1 FROM model",
            "INSERT INTO calibration (id, gallery_id, model_id, source, parameters)"
            " SELECT gen_random_uuid(), gallery.id, model_id, 'gallery', '{}' FROM gallery",
            "INSERT INTO change (gallery_id, number, kind, face_key, token, predecessor)"
            " SELECT id, 1, 'enrol', 7, gen_random_uuid(), gen_random_uuid() FROM gallery",
        ):
            connection.execute(text(statement))

    schema.migrate(fresh)

    with fresh.reading() as session:
        gallery = galleries.get(session, "old")
        assert gallery.person_score == "nearest"
        assert gallery.calibration_id is not None
        assert session.execute(text("SELECT face_key, is_template FROM change")).all() == [(7, False)]


def test_a_downgrade_makes_indexes_with_templates_useless_to_a_later_upgrade(fresh: Database) -> None:
    """Their snapshots stay on the disk, and the log does not say that the templates are gone."""
    schema.migrate(fresh)
    with fresh.engine.begin() as connection:
        for statement in (
            "INSERT INTO gallery (id, name, store_crops) SELECT gen_random_uuid(), name, true"
            " FROM unnest(ARRAY['with', 'without']) AS name",
            "INSERT INTO identity (id, gallery_id) SELECT gen_random_uuid(), id FROM gallery",
            "INSERT INTO person_template (gallery_id, key, identity_id)"
            " SELECT gallery.id, 1, identity.id FROM gallery JOIN identity ON gallery_id = gallery.id"
            " WHERE gallery.name = 'with'",
        ):
            connection.execute(text(statement))
    with fresh.engine.connect() as connection, connection.begin():
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        alembic.command.downgrade(config, "0015")

    schema.migrate(fresh)

    with fresh.reading() as session:
        numbers = {name: galleries.get(session, name).rebuild_number for name in ("with", "without")}
    assert numbers == {"with": 1, "without": 0}


def test_a_downgrade_leaves_no_calibration_of_fused_scores(fresh: Database) -> None:
    """The older version would use its threshold, which is too low for scores of the nearest face."""
    schema.migrate(fresh)
    with fresh.engine.begin() as connection:
        for statement in (
            "INSERT INTO model (fingerprint, dimension) VALUES ('some', 4)",
            "INSERT INTO gallery (id, name, store_crops, model_id, person_score)"
            " SELECT gen_random_uuid(), 'staff', true, id, 'fused' FROM model",
            "INSERT INTO calibration (id, gallery_id, model_id, source, person_score, parameters)"
            " SELECT gen_random_uuid(), gallery.id, model_id, 'gallery', score,"
            " jsonb_build_object('of', score) FROM gallery, unnest(ARRAY['nearest', 'fused']) AS score",
        ):
            connection.execute(text(statement))
    with fresh.engine.connect() as connection, connection.begin():
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        alembic.command.downgrade(config, "0015")

    with fresh.engine.begin() as connection:
        left = connection.execute(text("SELECT parameters ->> 'of' FROM calibration")).scalars().all()
    assert left == ["nearest"]


def test_the_verification_of_an_older_job_names_a_snapshot(fresh: Database) -> None:
    schema.migrate(fresh, "0010")
    with fresh.engine.begin() as connection:
        connection.execute(text("INSERT INTO model (fingerprint, dimension) VALUES ('old', 4), ('new', 4)"))
        connection.execute(
            text("INSERT INTO gallery (id, name, store_crops) VALUES (gen_random_uuid(), 'staff', true)")
        )
        connection.execute(
            text(
                "INSERT INTO reindex"
                " (id, gallery_id, from_model_id, to_model_id, state, plan, gates, verified)"
                " SELECT gen_random_uuid(), gallery.id, a.id, b.id, 'done', '{}', '{}',"
                """ '{"generation": "000000000007-x", "clean": true}'"""
                " FROM gallery, model a, model b WHERE a.fingerprint = 'old' AND b.fingerprint = 'new'"
            )
        )

    schema.migrate(fresh)

    with fresh.engine.begin() as connection:
        [verified] = connection.execute(text("SELECT verified FROM reindex")).scalars()
    assert verified == {"snapshot": "000000000007-x", "clean": True}


def test_people_older_than_the_search_by_name_are_found_by_name(fresh: Database) -> None:
    schema.migrate(fresh, "0004")
    with fresh.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO gallery (id, name, store_crops) VALUES (gen_random_uuid(), 'old', true)")
        )
        connection.execute(
            text(
                "INSERT INTO identity (id, gallery_id, name) SELECT gen_random_uuid(), id, unnest(ARRAY"
                "['Grace O''Hopper', NULL, 'Jörg Straße']) FROM gallery"
            )
        )

    schema.migrate(fresh)

    with fresh.reading() as session:
        gallery = galleries.get(session, "old")
        for search, name in (("hopper", "Grace O'Hopper"), ("STRASSE", "Jörg Straße")):
            [one] = identity_lists.page(session, gallery.id, after=None, limit=9, search=Search(name=search))
            assert one.name == name


def test_people_without_search_words_are_found_after_a_migration(fresh: Database) -> None:
    """Older ones, in more than one batch, and those that an older process has enrolled since."""
    schema.migrate(fresh, "0024")
    gallery = _insert_people(fresh, unsearched.BATCH + 1)

    schema.migrate(fresh)
    assert _found(fresh, gallery) == unsearched.BATCH + 1
    _insert_people(fresh, 1, gallery)
    assert unsearched.exist(fresh)
    assert _found(fresh, gallery) == unsearched.BATCH + 1
    schema.migrate(fresh)

    assert _found(fresh, gallery) == unsearched.BATCH + 2
    assert not unsearched.exist(fresh)


def _insert_people(database: Database, count: int, gallery: UUID | None = None) -> UUID:
    """As an older version does."""
    with database.transaction() as session:
        if gallery is None:
            gallery = uuid7()
            session.execute(
                text("INSERT INTO gallery (id, name, store_crops) VALUES (:id, 'staff', true)"),
                {"id": gallery},
            )
        session.execute(
            text(
                "INSERT INTO identity (id, gallery_id, name, metadata)"
                " VALUES (:id, :gallery, 'Grace', '{\"department\": \"computing\"}')"
            ),
            [{"id": uuid7(), "gallery": gallery} for _ in range(count)],
        )
    return gallery


def _found(database: Database, gallery: UUID) -> int:
    with database.reading() as session:
        return identity_lists.count(session, gallery, Search(q="grace department:computing"))


def test_a_name_whose_composed_form_is_too_long_is_unchanged(fresh: Database) -> None:
    """The composed form of some letters has two characters: 255 of them would be 510."""
    schema.migrate(fresh, "0005")
    name = "\u0958" * 255
    with fresh.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO gallery (id, name, store_crops) VALUES (gen_random_uuid(), 'old', true)")
        )
        connection.execute(
            text(
                "INSERT INTO identity (id, gallery_id, external_id, name)"
                " SELECT gen_random_uuid(), id, :name, :name FROM gallery"
            ),
            {"name": name},
        )

    schema.migrate(fresh)

    with fresh.engine.connect() as connection:
        assert connection.execute(text("SELECT external_id, name FROM identity")).all() == [(name, name)]


def test_older_ids_and_names_are_found_in_their_composed_form(fresh: Database) -> None:
    """Except where two external ids would become equal: they stay unchanged."""
    schema.migrate(fresh, "0005")
    composed, decomposed, other = "\u1e69", "s\u0323\u0307", "s\u0307\u0323"
    with fresh.engine.begin() as connection:
        [one, two] = [
            connection.scalar(
                text(
                    "INSERT INTO gallery (id, name, store_crops) VALUES (gen_random_uuid(), :name, true)"
                    " RETURNING id"
                ),
                {"name": name},
            )
            for name in ("one", "two")
        ]
        for gallery, external_id in ((one, decomposed), (one, other), (two, composed), (two, decomposed)):
            connection.execute(
                text(
                    "INSERT INTO identity (id, gallery_id, external_id, name)"
                    " VALUES (:identity, :gallery, :id, :id)"
                ),
                {"identity": uuid7(), "gallery": gallery, "id": external_id},
            )

    schema.migrate(fresh)

    with fresh.engine.connect() as connection:
        for gallery, before in ((one, {decomposed, other}), (two, {composed, decomposed})):
            query = text("SELECT external_id, name FROM identity WHERE gallery_id = :gallery")
            rows = connection.execute(query, {"gallery": gallery}).all()
            ids = {row[0] for row in rows}
            assert len(ids) == 2
            assert composed in ids
            assert ids - {composed} < before
            assert {row[1] for row in rows} == {composed}


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO gallery (id, name, store_crops) VALUES (gen_random_uuid(), 'no/slash', true)",
        "INSERT INTO gallery (id, name, store_crops) VALUES (gen_random_uuid(), '', true)",
        "INSERT INTO identity (id, gallery_id, metadata) SELECT gen_random_uuid(), id, '[]' FROM gallery",
        "INSERT INTO identity (id, gallery_id, name) SELECT gen_random_uuid(), id, '' FROM gallery",
        "INSERT INTO identity (id, gallery_id, external_id) SELECT gen_random_uuid(), id, 'a' FROM gallery,"
        " generate_series(1, 2)",
        "UPDATE gallery SET face_count = -1",
        "UPDATE gallery SET identify_fpir = 0",
        "UPDATE gallery SET identify_fpir = 1",
        "WITH m AS (INSERT INTO model (fingerprint, dimension) VALUES ('m', 2) RETURNING id)"
        " INSERT INTO calibration (id, model_id, source, parameters)"
        " SELECT gen_random_uuid(), id, 'hearsay', '{}' FROM m",
        "INSERT INTO change (gallery_id, number, kind, face_key, is_template, token, predecessor)"
        " SELECT id, 1, 'rename', 1, false, gen_random_uuid(), gen_random_uuid() FROM gallery",
        # As a process of an older version writes it, which does not keep person templates:
        "INSERT INTO change (gallery_id, number, kind, face_key, token, predecessor)"
        " SELECT id, 1, 'enrol', 1, gen_random_uuid(), gen_random_uuid() FROM gallery",
        "UPDATE gallery SET person_score = 'mean'",
    ],
)
def test_the_database_itself_rejects_invalid_rows(fresh: Database, statement: str) -> None:
    schema.migrate(fresh)
    with fresh.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO gallery (id, name, store_crops) VALUES (gen_random_uuid(), 'good', true)")
        )

    with pytest.raises(IntegrityError), fresh.engine.begin() as connection:
        connection.execute(text(statement))


def test_older_changes_get_unique_tokens_that_form_a_chain(fresh: Database) -> None:
    """In a gallery with its whole log, in one with a pruned log, and in an empty one."""
    schema.migrate(fresh, "0007")
    with fresh.engine.begin() as connection:
        for name, kept, last in (("whole", 1, 3), ("pruned", 3, 4), ("to its end", 3, 2), ("empty", 1, 0)):
            gallery = connection.scalar(
                text(
                    "INSERT INTO gallery (id, name, store_crops, change_number)"
                    " VALUES (gen_random_uuid(), :name, true, :last) RETURNING id"
                ),
                {"name": name.replace(" ", "-"), "last": last},
            )
            for number in range(kept, last + 1):
                connection.execute(
                    text(
                        "INSERT INTO change (gallery_id, number, kind, face_key)"
                        " VALUES (:gallery, :number, 'enrol', :number)"
                    ),
                    {"gallery": gallery, "number": number},
                )

    schema.migrate(fresh)

    with fresh.reading() as session:
        rows = session.execute(
            text(
                "SELECT name, change_token, array_agg(token ORDER BY number) FILTER (WHERE number > 0),"
                " array_agg(predecessor ORDER BY number) FILTER (WHERE number > 0)"
                " FROM gallery LEFT JOIN change ON gallery_id = gallery.id GROUP BY gallery.id"
            )
        ).all()
    found = {name: (last, tokens or [], before or []) for name, last, tokens, before in rows}
    for name in ("whole", "pruned"):
        last, tokens, before = found[name]
        assert before[1:] == tokens[:-1]
        assert last == tokens[-1]
    assert found["whole"][2][0] == LOG_START.token
    assert found["empty"] == (LOG_START.token, [], [])
    every = [token for _, tokens, _ in found.values() for token in tokens]
    assert len(set(every)) == len(every) == 5
    assert found["to-its-end"][0] not in (LOG_START.token, *every)


def test_jobs_of_galleries_and_their_undo_survive_a_downgrade_as_clusterings(fresh: Database) -> None:
    schema.migrate(fresh)
    options = {"dry_run": False, "join_groups": True, "join_named": False, "threshold": 0.4}
    out_of_range = options | {"threshold": 2}
    with fresh.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO gallery (id, name, store_crops) SELECT gen_random_uuid(), 'a', true")
        )
        for kind, state, undo, used in (
            ("clustering", "waiting", True, options),
            ("clustering", "undone", True, options),
            ("clustering", "done", False, options),
            ("clustering", "failed", False, out_of_range),
            ("duplicate_search", "running", False, {"fpir": None}),
        ):
            connection.execute(
                text(
                    "INSERT INTO gallery_job"
                    " (id, gallery_id, kind, options, state, undo, caller_name, ended_at)"
                    " SELECT gen_random_uuid(), id, :kind, CAST(:options AS jsonb), :state, :undo, 'a',"
                    " CASE WHEN :state IN ('waiting', 'running') THEN NULL ELSE now() END FROM gallery"
                ),
                {"kind": kind, "state": state, "undo": undo, "options": json.dumps(used)},
            )
    with fresh.engine.connect() as connection, connection.begin():
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        alembic.command.downgrade(config, "0032")
        states = connection.execute(text("SELECT state FROM clustering ORDER BY state")).scalars().all()
    assert states == ["cancelled", "cancelled", "done", "failed"]

    schema.migrate(fresh)

    with fresh.reading() as session:
        rows = session.execute(text("SELECT state, undo, options FROM gallery_job ORDER BY state")).all()
    kept = {"failed": options | {"threshold": None}}
    assert [tuple(row) for row in rows] == [(state, False, kept.get(state, options)) for state in states]
