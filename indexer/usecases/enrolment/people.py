"""Enrols pictures of several people, known or new, and says what became of each picture.

Their faces are embedded together and written in one transaction: a commit, an entry in the audit record's
chain and a catch-up of the index cost as much for one person as for sixteen. If a transaction fails because
of a person, each is written by itself. A gallery that checks for duplicates is searched before each person,
so that each needs a transaction.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from indexer.errors import Busy, EmbeddingUnusable, GemelError, InvalidRequest
from indexer.records.text import checked_id
from indexer.request_timings import Stopwatch
from indexer.types import Attribute, OnSeveralFaces
from indexer.usecases import liveness
from indexer.usecases.enrol import Enroller
from indexer.usecases.enrolment.applicant import Applicant, PersonOutcome, PersonPictures
from indexer.usecases.enrolment.group_transaction import (
    NOBODY,
    Commit,
    GroupTransaction,
    checks_duplicates,
    find_known,
)
from indexer.usecases.enrolment.models import EnrolmentModels, models_of
from indexer.usecases.enrolment.prepare_images import PreparationOptions

_ATTEMPTS = 5


def enrol_people(
    enroller: Enroller,
    gallery_name: str,
    people: Sequence[PersonPictures],
    *,
    several_faces: OnSeveralFaces,
    allow_duplicates: bool,
    attributes: Collection[Attribute] = (),
    check: Callable[[], object],
    commit: Commit = lambda *_: None,
    look_for_odd_faces: bool = False,
) -> list[PersonOutcome | GemelError]:
    """For each person what became of it, or the error that kept it out. External ids that are the same in
    Unicode's composed form are the same person.

    Where all of a person's pictures are known or rejected, nothing is written of it. `check` is called before
    each picture; what it raises ends the enrolment, and nothing is written any more. An error that concerns
    everybody is that of all who are not written. `attributes`: to estimate of the new faces. Raises
    GalleryNotFound, AttributeNotPermitted, AttributeUnavailable, ModelUnavailable, Busy.
    """
    every = [
        Applicant(
            number=number, pictures=one, digests=[hashlib.sha256(image).digest() for image in one.images]
        )
        for number, one in enumerate(people)
    ]
    transaction = enroller.transaction
    group = GroupTransaction(transaction, transaction.gallery(gallery_name), allow_duplicates, commit)
    transaction.preparer.attributes.check(attributes, group.found[0].attributes)
    work = _Work(group, several_faces, attributes, check)
    work.find_known(every)
    for _ in range(_ATTEMPTS):
        left = [person for person in every if person.done is None]
        if not left or work.enrol(left, look_for_odd_faces=look_for_odd_faces):
            break
    return [person.done or Busy("the gallery changes its model at this moment") for person in every]


@dataclass(slots=True, eq=False)
class _Work:
    group: GroupTransaction
    several_faces: OnSeveralFaces
    attributes: Collection[Attribute]
    check: Callable[[], object]

    def find_known(self, people: Sequence[Applicant]) -> None:
        """People and pictures that are in the gallery."""
        valid: list[Applicant] = []
        for person in people:
            try:
                person.external_id = checked_id(person.pictures.person.external_id, "external_id") or ""
                valid.append(person)
            except InvalidRequest as error:
                person.done = error
        with self.group.transaction.database.reading() as session:
            known = find_known(session, self.group.found[0], valid)
        for person in valid:
            identity, have = known.get(person.external_id, NOBODY)
            person.identity_id = None if identity is None else identity.id
            person.tried = [number for number, digest in enumerate(person.digests) if digest not in have]
            if not person.tried:
                person.end({}, person.identity_id)

    def enrol(self, people: Sequence[Applicant], *, look_for_odd_faces: bool) -> bool:
        """False if the gallery has changed meanwhile: then some are not done."""
        transaction, (gallery, in_use) = self.group.transaction, self.group.found
        models = models_of(transaction.pipelines, gallery, in_use)
        self._prepare(people, models)
        for person in people:
            if person.done is None and not person.prepared.enrolments:
                person.end(person.prepared.rejected, person.identity_id)
        left = [person for person in people if person.done is None]
        if not left:
            return True
        try:
            transaction.duplicates.prepare(gallery, models.active.card)
            # Two spellings of an external id, as of folders, are one person.
            one_by_one = checks_duplicates(gallery) or len({one.external_id for one in left}) < len(left)
            portions = [[person] for person in left] if one_by_one else [left]
            if not all(self.group.write(portion, models) for portion in portions):
                return False
        except GemelError as error:
            for person in left:
                person.done = person.done or error
        transaction.index_cache.try_to_catch_up(gallery.id)
        for person in left if look_for_odd_faces else ():
            if isinstance(person.done, PersonOutcome) and person.done.result is not None:
                result = transaction.with_odd_faces(person.done.result, models.active.card)
                person.done = replace(person.done, result=result)
        return True

    def _prepare(self, people: Sequence[Applicant], models: EnrolmentModels) -> None:
        """Raises AttributeNotPermitted, AttributeUnavailable, Busy, and what `check` raises."""
        gallery = self.group.found[0]
        liveness.check(self.group.transaction.preparer.attributes, gallery.liveness)
        try:
            prepared = self.group.transaction.preparer.prepare_several(
                [[person.pictures.images[number] for number in person.tried] for person in people],
                models,
                PreparationOptions(
                    store_crops=gallery.store_crops,
                    several_faces=self.several_faces,
                    attributes=self.attributes,
                    permitted=gallery.attributes,
                    policy=gallery.liveness,
                    watch=Stopwatch(),
                    check=self.check,
                ),
                [
                    {place: known[number] for place, number in enumerate(person.tried) if number in known}
                    for person in people
                    for known in [person.pictures.places]
                ],
            )
        except EmbeddingUnusable as error:
            if len(people) == 1:
                people[0].done = error
                return
            for person in people:
                self._prepare([person], models)
            return
        for person, one in zip(people, prepared, strict=True):
            person.prepared = one
