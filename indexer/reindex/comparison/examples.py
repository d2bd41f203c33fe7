"""Who is on the faces that two models disagree about."""

from typing import Any

from indexer.records.database.session import Database
from indexer.records.enrolled.owners import Owner, find_owners
from indexer.records.reindexes import Job


def with_people(database: Database, job: Job, comparison: dict[str, Any]) -> dict[str, Any]:
    """The comparison with `people` in each example: of the probe and of both models' first answers.

    Each is an identity and one of its faces, or None where there was no answer or the face is deleted.
    """
    examples = comparison["disagreements"]["examples"]
    columns = {"probe": "face", "old": "old_answer", "new": "new_answer"}
    keys = {example[column] for example in examples for column in columns.values()} - {None}
    with database.reading() as session:
        owners = find_owners(session, job.gallery.id, keys)
    shown = [
        example | {"people": {role: _person(owners.get(example[column])) for role, column in columns.items()}}
        for example in examples
    ]
    return comparison | {"disagreements": comparison["disagreements"] | {"examples": shown}}


def _person(owner: Owner | None) -> dict[str, Any] | None:
    if owner is None:
        return None
    return {
        "face_id": str(owner.face_id),
        "identity_id": str(owner.identity_id),
        "name": owner.name,
        "external_id": owner.external_id,
    }
