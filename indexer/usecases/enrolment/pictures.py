"""Enrols pictures of one person, whether the person is known or new, and says what became of each."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from indexer.duplicates.candidate import DuplicateCandidate, candidates_of
from indexer.errors import DuplicateIdentity, ExternalIdTaken, NothingEnrolled
from indexer.records import galleries
from indexer.records.database.session import Session
from indexer.records.enrolled import faces, identities
from indexer.types import OnSeveralFaces
from indexer.usecases.enrol import Enroller, NewIdentity
from indexer.usecases.enrolment.quality_gate import DUPLICATE
from indexer.usecases.enrolment.write import EnrolmentResult
from indexer.usecases.folder_outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOutcome:
    outcome: Outcome
    """Enrolled, known or rejected."""
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonOutcome:
    pictures: list[PictureOutcome]
    """In the order in which they were given."""
    identity_id: UUID | None
    """None where the person is not in the gallery."""
    created: bool = False
    result: EnrolmentResult | None = None
    """None where no transaction wrote anything."""
    duplicates: list[DuplicateCandidate] = field(default_factory=list)
    """Other people whom the person looks like."""


Commit = Callable[[Session, UUID, list[PictureOutcome]], object]
"""Called at the end of the transaction that enrols, with the person's id and what becomes of each picture."""

_KNOWN = PictureOutcome(outcome=Outcome.KNOWN)


def enrol_pictures(
    enroller: Enroller,
    gallery: str,
    person: NewIdentity,
    images: Sequence[bytes],
    *,
    several_faces: OnSeveralFaces,
    allow_duplicates: bool,
    check: Callable[[], object],
    commit: Commit = lambda *_: None,
) -> PersonOutcome:
    """`person` has an external id. A person who is known keeps name and metadata.

    All that is written is written in one transaction; where all pictures are known or rejected, nothing is.
    `check` is called before each picture; what it raises ends the enrolment. Raises what `Enroller.add` and
    `Enroller.create` raise, except ExternalIdTaken, NothingEnrolled and DuplicateIdentity.
    """
    assert person.external_id is not None
    with enroller.database.reading() as session:
        found = galleries.get(session, gallery)
        identity = identities.find_by_external_id(session, found.id, person.external_id)
        identity_id = None if identity is None else identity.id
        digests = [hashlib.sha256(image).digest() for image in images]
        known = set() if identity_id is None else faces.enrolled_images(session, identity_id, digests)
    new = [number for number, digest in enumerate(digests) if digest not in known]
    outcomes = [_KNOWN] * len(images)
    if not new:
        return PersonOutcome(pictures=outcomes, identity_id=identity_id)

    def judged(result: EnrolmentResult) -> list[PictureOutcome]:
        every = list(outcomes)
        for place, number in enumerate(new):
            rejection = result.rejected.get(place)
            every[number] = (
                PictureOutcome(outcome=Outcome.ENROLLED)
                if rejection is None
                else _rejected(rejection.code, rejection.message)
            )
        return every

    def also(session: Session, result: EnrolmentResult) -> None:
        commit(session, result.identity.id, judged(result))

    data = [images[number] for number in new]
    enrol = (
        partial(enroller.create, gallery, person)
        if identity_id is None
        else partial(enroller.add, gallery, identity_id)
    )
    try:
        result = enrol(
            data, several_faces=several_faces, allow_duplicate=allow_duplicates, check=check, also=also
        )
    except NothingEnrolled as error:
        for picture in error.details["rejected"]:
            outcomes[new[picture["image"]]] = _rejected(picture["code"], picture["message"])
        return PersonOutcome(pictures=outcomes, identity_id=identity_id)
    except DuplicateIdentity as error:
        for number in new:
            outcomes[number] = _rejected(error.code, error.message)
        return PersonOutcome(
            pictures=outcomes, identity_id=identity_id, duplicates=list(candidates_of(error))
        )
    except ExternalIdTaken:  # somebody else created the person in the meantime; this one adds to it
        return enrol_pictures(
            enroller,
            gallery,
            person,
            images,
            several_faces=several_faces,
            allow_duplicates=allow_duplicates,
            check=check,
            commit=commit,
        )
    return PersonOutcome(
        pictures=judged(result),
        identity_id=result.identity.id,
        created=identity_id is None,
        result=result,
        duplicates=result.duplicates,
    )


def _rejected(code: str, message: str) -> PictureOutcome:
    """A file that the person has already is no failure."""
    outcome = Outcome.KNOWN if code == DUPLICATE.code else Outcome.REJECTED
    return PictureOutcome(outcome=outcome, code=code, message=message)
