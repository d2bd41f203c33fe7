"""Parts of a gallery, as shards hold them: read from PostgreSQL, and followed through the change log."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest

from indexer.errors import EmbeddingsMissing
from indexer.index.digest import Digest
from indexer.records import models
from indexer.records.database.session import Database
from indexer.records.enrolled import contents
from indexer.records.tables import Gallery
from indexer.types import Keys, Owners, Part, Vectors
from tests.support.indexed_people import DIMENSION, MODEL, add, built, catch_up, empty, new_person


def enrol_people(database: Database, gallery: Gallery, people: int) -> list[UUID]:
    """Each third person has two faces, and so a template; the second face comes last."""
    made = [new_person(database, gallery, str(number)) for number in range(people)]
    for number, person in enumerate(made):
        add(database, gallery, person, number)
    for number, person in enumerate(made[::3]):
        add(database, gallery, person, 1_000 + number)
    return made


@pytest.mark.parametrize("block", [1, 3, 1_000])
def test_the_parts_of_a_gallery_have_each_of_its_rows_once(
    database: Database, gallery: Gallery, block: int
) -> None:
    enrol_people(database, gallery, 20)
    rows: dict[int, tuple[bytes, int]] = {}
    whole: dict[int, tuple[bytes, int]] = {}
    digests = Digest()

    def into(found: dict[int, tuple[bytes, int]]) -> Callable[[Keys, Vectors, Owners], None]:
        def take(keys: Keys, vectors: Vectors, owners: Owners) -> None:
            assert not set(keys.tolist()) & found.keys()
            for key, vector, owner in zip(keys.tolist(), vectors, owners.tolist(), strict=True):
                found[key] = (vector.tobytes(), owner)

        return take

    with database.repeatable_read() as session:
        contents.read_enrolled(session, gallery.id, MODEL, into(whole))
        for part in Part.every(3, block):
            contents.read_enrolled(session, gallery.id, MODEL, into(rows), part)
            digests.join(Digest.from_hex(built(session, gallery, part=part).digest))
        assert rows == whole
        assert len(whole) == 20 + 7 + 7
        assert digests.hex == built(session, gallery).digest


def test_a_part_that_replays_the_log_holds_what_a_part_that_reads_the_rows_holds(
    database: Database, gallery: Gallery
) -> None:
    enrol_people(database, gallery, 12)
    with database.repeatable_read() as session:
        for part in Part.every(3, 2):
            replayed = catch_up(session, gallery, empty(), part=part)
            read = built(session, gallery, part=part)
            assert 0 < read.count < 24
            assert (replayed.count, replayed.digest) == (read.count, read.digest)


def test_a_face_without_embedding_is_missed_by_its_own_part_alone(
    database: Database, gallery: Gallery
) -> None:
    people = enrol_people(database, gallery, 6)
    with database.transaction() as session:
        models.register(session, "other-1", DIMENSION)
    add(database, gallery, people[1], 77, by="other-1")
    outcomes = []
    with database.repeatable_read() as session:
        for part in Part.every(3, 1):
            read = partial(built, session, gallery, part=part)
            replayed = partial(catch_up, session, gallery, empty(), part=part)
            outcomes.append([_missing(read), _missing(replayed)])
    assert sorted(outcomes) == [[0, 0], [0, 0], [1, 1]]


def _missing(make: Callable[[], object]) -> int:
    try:
        make()
    except EmbeddingsMissing as error:
        faces: int = error.details["faces"]
        return faces
    return 0
