"""Writes several people of an enrolment in one transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from indexer.duplicates.candidate import candidates_of
from indexer.errors import Conflict, DuplicateIdentity, EmbeddingUnusable, InvalidInput, NotFound
from indexer.records import galleries, reindexes
from indexer.records.database.session import Session
from indexer.records.enrolled import faces, identities
from indexer.records.enrolled.new_identities import create_several
from indexer.records.tables import Gallery, Identity
from indexer.types import DuplicateCheck
from indexer.usecases.enrolment.applicant import Applicant, PersonOutcome, outcomes
from indexer.usecases.enrolment.models import EnrolmentModels
from indexer.usecases.enrolment.quality_gate import Rejection
from indexer.usecases.enrolment.transaction import EnrolmentTransaction, FoundGallery
from indexer.usecases.enrolment.write import Accepted, judge, write_several

Commit = Callable[[Session, Mapping[int, PersonOutcome]], object]
"""Called at the end of each transaction that enrols, with what becomes of people, by their number."""


PERSONS_OWN = (Conflict, InvalidInput, NotFound, EmbeddingUnusable)
"""Errors of one person or its pictures. Others concern everybody."""


@dataclass(slots=True, eq=False)
class GroupTransaction:
    transaction: EnrolmentTransaction
    found: FoundGallery
    """As it was read last."""
    allow_duplicates: bool
    commit: Commit

    def write(self, people: Sequence[Applicant], models: EnrolmentModels) -> bool:
        """False if the gallery has changed meanwhile. Raises what concerns everybody."""
        try:
            return self._write_together(people, models)
        except PERSONS_OWN as error:
            if len(people) > 1:
                return all(self.write([person], models) for person in people)
            [person] = people
            if isinstance(error, DuplicateIdentity):
                rejection = Rejection(code=error.code, message=error.message, details={})
                rejected = dict.fromkeys(range(len(person.tried)), rejection)
                person.end(rejected, person.identity_id, candidates_of(error))
            else:
                person.done = error
            return True

    def _write_together(self, people: Sequence[Applicant], models: EnrolmentModels) -> bool:
        """One transaction. Nobody is done before its commit."""
        pipelines = self.transaction.pipelines
        with self.transaction.database.transaction() as session:
            gallery = galleries.lock(session, self.found[0].id)
            if gallery.model_id is None:
                gallery.model_id = pipelines.models.number_of(pipelines.models.default)
            in_use = reindexes.models_in_use(session, [gallery.id])[gallery.id]
            one_by_one = checks_duplicates(gallery) and len(people) > 1
            judged_otherwise = gallery.liveness != self.found[0].liveness
            if one_by_one or judged_otherwise or not models.are_current(gallery, in_use):
                self.found = gallery, in_use
                return False
            accepted = self._accepted(session, gallery, people, models)
            results = write_several(session, gallery, accepted, in_use, model=models.active_fingerprint)
            done = {
                person.number: PersonOutcome(
                    pictures=outcomes(len(person.digests), person.tried, one.rejected),
                    identity_id=one.identity.id,
                    created=one.is_new,
                    result=result,
                    duplicates=one.duplicates,
                    estimates={
                        person.tried[place]: person.prepared.estimates[place]
                        for place in one.enrolments
                        if place in person.prepared.estimates
                    },
                )
                for person, one, result in zip(people, accepted, results, strict=True)
            }
            self.commit(session, done)
        for person in people:
            person.done = done[person.number]
        return True

    def _accepted(
        self, session: Session, gallery: Gallery, people: Sequence[Applicant], models: EnrolmentModels
    ) -> list[Accepted]:
        """Creates the people who are new. Raises DuplicateIdentity, InvalidRequest."""
        known = find_known(session, gallery, people)
        new = [person for person in people if person.external_id not in known]
        made = create_several(session, gallery.id, [person.pictures.person for person in new])
        created = {person.external_id: identity for person, identity in zip(new, made, strict=True)}
        accepted: list[Accepted] = []
        for person in people:
            identity, have = known.get(person.external_id, NOBODY)
            identity = identity or created[person.external_id]
            enrolments, rejected = judge(person.prepared, have)
            duplicates = self.transaction.duplicates.check(
                session,
                gallery,
                models.active.card,
                identity.id,
                {number: one.vectors[models.active_fingerprint] for number, one in enrolments.items()},
                allow=self.allow_duplicates,
            )
            one = Accepted(
                identity=identity,
                is_new=person.external_id in created,
                enrolments=enrolments,
                rejected=rejected,
                estimates=person.prepared.estimates,
                attributes=person.prepared.attributes,
                duplicates=duplicates,
                allow_duplicate=self.allow_duplicates,
            )
            accepted.append(one)
        return accepted


NOBODY: tuple[Identity | None, Collection[bytes]] = (None, ())


def find_known(
    session: Session, gallery: Gallery, people: Sequence[Applicant]
) -> dict[str, tuple[Identity, Collection[bytes]]]:
    """Those who are in the gallery, and the SHA-256 digests of their pictures that are, by external id."""
    found = identities.find_by_external_ids(session, gallery.id, [person.external_id for person in people])
    digests = [digest for person in people for digest in person.digests]
    enrolled = faces.enrolled_images_of_several(session, [one.id for one in found.values()], digests)
    return {external_id: (identity, enrolled[identity.id]) for external_id, identity in found.items()}


def checks_duplicates(gallery: Gallery) -> bool:
    return gallery.duplicate_check != DuplicateCheck.OFF
