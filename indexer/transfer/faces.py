"""Adds the faces of an export to a gallery, in portions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from indexer.errors import Busy
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.tables import Gallery
from indexer.records.transfer import faces
from indexer.records.transfer.faces import NewFace
from indexer.transfer import people
from indexer.transfer.archive.contents import Contents, FaceGroup
from indexer.transfer.embed import Embed

FACES_OF_A_TRANSACTION = 500


@dataclass(slots=True)
class FaceCount:
    added: int = 0
    there: int = 0
    """Already in the gallery, or of a photograph that it has of the person."""
    without_person: int = 0
    """Not added: their person was deleted while the import ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    gallery_id: UUID
    model_id: int
    joined_as: dict[UUID, UUID]
    """Identities of the gallery that people of the export are, by their ids in the export: those who were
    found by their external ids."""
    event_id: UUID
    """Of the audit event of the import."""


def add_faces(
    database: Database,
    contents: Contents,
    to: Destination,
    embed: Embed,
    *,
    progress: Callable[[int, int], object],
) -> FaceCount:
    """Those that are there already are not embedded. Raises Busy, GalleryNotFound, ArchiveDamaged, and what
    `embed` raises."""
    count, done = FaceCount(), 0
    for group in contents.face_groups():
        for start in range(0, len(group.lines), FACES_OF_A_TRANSACTION):
            places = range(start, min(start + FACES_OF_A_TRANSACTION, len(group.lines)))
            _add_portion(database, to, group, places, embed, count)
            done += len(places)
            progress(done, contents.manifest.counts.faces)
    return count


def check_model(gallery: Gallery, model_id: int) -> None:
    """Under the gallery's lock. Raises Busy."""
    if gallery.model_id != model_id:
        raise Busy("the gallery changes its model at this moment; import again afterwards")


def _add_portion(
    database: Database, to: Destination, group: FaceGroup, places: range, embed: Embed, count: FaceCount
) -> None:
    with database.reading() as session:
        there = faces.known(session, to.gallery_id, [group.lines[place].id for place in places])
    left: Sequence[int] = [place for place in places if group.lines[place].id not in there]
    count.there += len(places) - len(left)
    if not left:
        return
    made = embed(group, left)
    with database.transaction(long=True) as session:
        check_model(galleries.lock(session, to.gallery_id), to.model_id)
        owners = people.resolve_owners(
            session, to.gallery_id, [group.lines[place].identity_id for place in left], to.joined_as
        )
        new = [
            _face(group, place, owners[group.lines[place].identity_id], vector, problem)
            for place, (vector, problem) in zip(left, made, strict=True)
            if group.lines[place].identity_id in owners
        ]
        added = faces.add(session, to.gallery_id, to.model_id, new, to.event_id)
    count.added += added
    count.there += len(new) - added
    count.without_person += len(left) - len(new)


def _face(group: FaceGroup, place: int, owner: UUID, vector: bytes | None, problem: str | None) -> NewFace:
    line = group.lines[place]
    return NewFace(
        id=line.id,
        identity_id=owner,
        box=line.box,
        landmarks=line.landmarks,
        confidence=line.confidence,
        quality=line.quality,
        quality_components=line.quality_components,
        image_sha256=bytes.fromhex(line.image_sha256),
        created_at=line.created_at,
        crop=group.crops[place],
        crop_landmarks=None if line.crop is None else line.crop.landmarks,
        vector=vector,
        problem=problem,
    )
