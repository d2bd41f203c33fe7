"""A person in an enrolment of many: who it is, the pictures, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from indexer.attributes.estimate import Estimates
from indexer.duplicates.candidate import DuplicateCandidate
from indexer.errors import GemelError
from indexer.records.enrolled.new_identities import NewIdentity
from indexer.usecases.enrolment.prepare_images import PreparedImages
from indexer.usecases.enrolment.quality_gate import DUPLICATE, Rejection
from indexer.usecases.enrolment.write import EnrolmentResult
from indexer.usecases.folder_outcome import Outcome
from indexer.vision.place import FacePlace


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPictures:
    person: NewIdentity
    """With an external id. A person who is known keeps name and metadata."""
    images: Sequence[bytes]
    places: Mapping[int, FacePlace] = field(default_factory=dict)
    """Of the face in an image, by the number of the image, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOutcome:
    outcome: Outcome
    """Enrolled, known or rejected."""
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonOutcome:
    pictures: Sequence[PictureOutcome]
    """In the order in which they were given."""
    identity_id: UUID | None
    """None where the person is not in the gallery."""
    created: bool = False
    result: EnrolmentResult | None = None
    """None where no transaction wrote anything."""
    duplicates: Sequence[DuplicateCandidate] = field(default_factory=list)
    """Other people whom the person looks like."""
    estimates: Mapping[int, Estimates] = field(default_factory=dict)
    """Of the enrolled faces, by the number of the picture, from 0: the attributes that were requested,
    or that the policy needs."""


KNOWN = PictureOutcome(outcome=Outcome.KNOWN)
ENROLLED = PictureOutcome(outcome=Outcome.ENROLLED)


def outcomes(pictures: int, tried: Sequence[int], rejected: Mapping[int, Rejection]) -> list[PictureOutcome]:
    """Of each of a person's pictures. `tried`: the numbers of those that were not known before, from 0;
    `rejected`: by the place in `tried`."""
    every = [KNOWN] * pictures
    for place, number in enumerate(tried):
        rejection = rejected.get(place)
        every[number] = ENROLLED if rejection is None else _rejected(rejection)
    return every


def _rejected(rejection: Rejection) -> PictureOutcome:
    """A file that the person has already is no failure."""
    outcome = Outcome.KNOWN if rejection.code == DUPLICATE.code else Outcome.REJECTED
    return PictureOutcome(outcome=outcome, code=rejection.code, message=rejection.message)


@dataclass(slots=True, kw_only=True, eq=False)
class Applicant:
    number: int
    pictures: PersonPictures
    digests: Sequence[bytes]
    external_id: str = ""
    """Checked."""
    identity_id: UUID | None = None
    tried: Sequence[int] = ()
    """Numbers of the pictures that were not known before."""
    prepared: PreparedImages = field(default_factory=PreparedImages)
    """Of these."""
    done: PersonOutcome | GemelError | None = None

    def end(
        self,
        rejected: Mapping[int, Rejection],
        identity_id: UUID | None,
        duplicates: Sequence[DuplicateCandidate] = (),
    ) -> None:
        """Nothing is written. `rejected`: by the place in `tried`."""
        self.done = PersonOutcome(
            pictures=outcomes(len(self.digests), self.tried, rejected),
            identity_id=identity_id,
            duplicates=duplicates,
        )
