"""Records searches in the audit record, before their answers leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import uuid_utils.compat

from indexer.records.audit import probes
from indexer.records.audit.event import Action, AuditEvent
from indexer.records.audit.search_details import RecordedSearch, SearchKind
from indexer.records.audit.search_writer import SearchWriter
from indexer.records.tables import Gallery
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Crop
from indexer.usecases.searches.searched import (
    Searched,
    SearchedFace,
    recorded_decision,
    recorded_faces,
    recorded_filter,
)

_NO_FACES: Mapping[int, UUID | None] = {}
_ACTIONS = {SearchKind.IDENTIFY: Action.IDENTIFIED, SearchKind.SEARCH: Action.SEARCHED}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRecorder:
    """Safe to call from several threads."""

    writer: SearchWriter | None
    """None where there is no audit record: nothing is kept then."""

    @property
    def is_on(self) -> bool:
        return self.writer is not None

    def keeps_probes(self, gallery: Gallery) -> bool:
        return self.is_on and gallery.keep_probes

    def new_event_id(self) -> UUID | None:
        """For a search that is about to be recorded; None where there is no audit record."""
        return uuid_utils.compat.uuid7() if self.is_on else None

    def record_search(
        self,
        searched: Searched,
        faces: Sequence[SearchedFace],
        watch: Stopwatch,
        *,
        event_id: UUID | None = None,
        faces_found: int | None = None,
        crops: Sequence[Crop] = (),
    ) -> UUID | None:
        """As `record`, of a search of a gallery."""
        if not self.is_on:
            return None
        with watch.stage(Stage.AUDIT):
            search = RecordedSearch(
                kind=searched.kind,
                model=searched.card.fingerprint,
                gallery_size=searched.gallery_size,
                faces_searched=searched.searched,
                among=None if searched.among is None else recorded_filter(searched.among),
                decision=recorded_decision(searched.decision, requested=searched.requested),
                faces=recorded_faces(faces, searched.decision, crops),
                faces_found=faces_found,
                attributes=tuple(each.value for each in searched.attributes),
            )
            stored = {
                number: face.visit.face_id for number, face in enumerate(faces) if face.visit is not None
            }
            return self.record(
                search, gallery=searched.gallery, event_id=event_id, crops=crops, stored=stored
            )

    def record(
        self,
        search: RecordedSearch,
        *,
        gallery: Gallery | None = None,
        identity_id: UUID | None = None,
        event_id: UUID | None = None,
        crops: Sequence[Crop] = (),
        stored: Mapping[int, UUID | None] = _NO_FACES,
    ) -> UUID | None:
        """The id of the event; None where there is no audit record.

        `identity_id`: of a comparison with one person. `event_id`: from `new_event_id`. `crops`: of the
        probes, where the gallery keeps them; they are stored with the event or not at all. `stored`: by the
        number of the probe, the face that was remembered of it. Raises DatabaseUnavailable, Busy.
        """
        if self.writer is None:
            return None
        event = AuditEvent(
            action=_ACTIONS.get(search.kind, Action.VERIFIED),
            gallery=None if gallery is None else gallery.name,
            identity_id=identity_id or _first_matched(search),
            details=search.to_json(),
            **({} if event_id is None else {"id": event_id}),
        )
        if not crops or gallery is None:
            self.writer.record(event)
        else:
            kept = [
                probes.Probe(
                    face=number,
                    jpeg=crop.jpeg,
                    landmarks=crop.landmarks.ravel().tolist(),
                    face_id=stored.get(number) or (face.candidates[0].face_id if face.matched else None),
                )
                for number, (face, crop) in enumerate(zip(search.faces, crops, strict=True))
            ]
            self.writer.record_with(event, lambda session: probes.add(session, gallery.id, event.id, kept))
        return event.id


def _first_matched(search: RecordedSearch) -> UUID | None:
    """The first person whom a face matched; else the first visitor whom one became."""
    for face in search.faces:
        if face.matched and face.candidates:
            return face.candidates[0].identity_id
    return next((face.remembered for face in search.faces if face.remembered is not None), None)
