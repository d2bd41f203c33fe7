"""Enrols a folder of photographs, one folder a person, as LFW is laid out. Can be run again."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from indexer.errors import (
    ExternalIdTaken,
    GalleryExists,
    GalleryNotFound,
    GemelError,
    InvalidRequest,
    NothingEnrolled,
)
from indexer.recognition.assembly import Recognition
from indexer.recognition.enrol import NewIdentity
from indexer.recognition.gate import Refused
from indexer.records import faces, galleries, identities

CHUNK = 20
"""Pictures of one person in memory, and in one transaction, at once."""

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    folder: str
    """Becomes the external_id, and with spaces for underscores the name."""
    images: list[Path]


@dataclass(slots=True, kw_only=True)
class FolderEnrolment:
    """What came of it; every picture is counted in one of the four."""

    identities_created: int = 0
    faces_enrolled: int = 0
    images_known: int = 0
    """Enrolled already, by an earlier run."""
    refused: list[tuple[Path, Refused]] = field(default_factory=list)
    failed: list[tuple[Path, str]] = field(default_factory=list)


def people_in(directory: Path) -> list[Person]:
    """Folders with pictures, by name. Raises InvalidRequest where there is none."""
    people = [
        Person(folder=folder.name, images=images)
        for folder in sorted(directory.iterdir())
        if folder.is_dir() and (images := sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES))
    ]
    if not people:
        raise InvalidRequest(f"{directory} has no folder with pictures in it: one folder a person is wanted")
    return people


def enrol_folder(
    engine: Recognition,
    people: Sequence[Person],
    gallery: str,
    *,
    take_largest: bool = False,
    parallel: int = 4,
    progress: Callable[[int], object] = lambda _: None,
) -> FolderEnrolment:
    """Enrols everybody in `people` into `gallery`, which is made if need be.

    A person's pictures are enrolled in transactions of at most 20; a run that is killed is gone on with
    by the next. `progress` is told how many pictures are done.
    """
    _make_gallery(engine, gallery)
    result = FolderEnrolment()
    lock = threading.Lock()

    def one(person: Person) -> None:
        outcome = FolderEnrolment()
        try:
            _enrol_person(engine, gallery, person, take_largest, outcome)
        except (GemelError, OSError) as error:
            outcome.failed = [(path, str(error)) for path in person.images]
        with lock:
            result.identities_created += outcome.identities_created
            result.faces_enrolled += outcome.faces_enrolled
            result.images_known += outcome.images_known
            result.refused += outcome.refused
            result.failed += outcome.failed
            progress(len(person.images))

    with ThreadPoolExecutor(parallel, thread_name_prefix="enrol") as pool:
        for done in [pool.submit(one, person) for person in people]:
            done.result()
    result.refused.sort(key=lambda item: item[0])
    return result


def _make_gallery(engine: Recognition, name: str) -> None:
    try:
        with engine.database.reading() as session:
            galleries.get(session, name)
    except GalleryNotFound:
        try:
            with engine.database.transaction() as session:
                galleries.create(session, name)
        except GalleryExists:
            pass  # somebody made it meanwhile


def _enrol_person(
    engine: Recognition, gallery: str, person: Person, take_largest: bool, outcome: FolderEnrolment
) -> None:
    with engine.database.reading() as session:
        found = galleries.get(session, gallery)
        identity = identities.by_external_id(session, found.id, person.folder)
        known = set() if identity is None else faces.enrolled_images(session, identity.id)
    identity_id = None if identity is None else identity.id
    for start in range(0, len(person.images), CHUNK):
        new = {}
        for path in person.images[start : start + CHUNK]:
            data = path.read_bytes()
            if hashlib.sha256(data).digest() in known:
                outcome.images_known += 1
            else:
                new[path] = data
        if new:
            identity_id = _enrol_images(engine, gallery, person, identity_id, new, take_largest, outcome)


def _enrol_images(
    engine: Recognition,
    gallery: str,
    person: Person,
    identity_id: UUID | None,
    images: dict[Path, bytes],
    take_largest: bool,
    outcome: FolderEnrolment,
) -> UUID | None:
    """The person's id, once there is one."""
    paths, data = list(images), list(images.values())
    try:
        if identity_id is None:
            details = NewIdentity(external_id=person.folder, name=person.folder.replace("_", " "))
            enrolled = engine.enroller.create(gallery, details, data, take_largest=take_largest)
            outcome.identities_created += 1
        else:
            enrolled = engine.enroller.add(gallery, identity_id, data, take_largest=take_largest)
    except NothingEnrolled as error:
        outcome.refused += [
            (paths[r["image"]], Refused(code=r["code"], message=r["message"], details={}))
            for r in error.details["refused"]
        ]
        return identity_id
    except ExternalIdTaken:  # another run made the person meanwhile: theirs is added to
        with engine.database.reading() as session:
            found = galleries.get(session, gallery)
            made = identities.by_external_id(session, found.id, person.folder)
        if made is None:
            raise
        return _enrol_images(engine, gallery, person, made.id, images, take_largest, outcome)
    outcome.faces_enrolled += len(enrolled.faces)
    outcome.refused += [(paths[number], refused) for number, refused in enrolled.refused.items()]
    return enrolled.identity.id
