"""The event of a verification in the audit record."""

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from indexer.records.audit.search_details import RecordedCandidate, RecordedSearch, SearchKind
from indexer.records.tables import Gallery
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Attribute
from indexer.usecases import liveness
from indexer.usecases.searches.recorder import SearchRecorder
from indexer.usecases.searches.searched import compared_faces, recorded_decision
from indexer.usecases.searches.verification import Verification


def recorded(
    verification: Verification,
    recorder: SearchRecorder | None,
    threshold: float | None,
    watch: Stopwatch,
    *,
    attributes: Collection[Attribute],
    policy: str,
    gallery: Gallery | None = None,
    identity_id: UUID | None = None,
) -> Verification:
    """The verification with the id of its event. `threshold`, `attributes`: as the request gave them.
    `policy`: of liveness. `gallery`, `identity_id`: of a comparison with a person."""
    if recorder is None or not recorder.is_on:
        return verification
    identity, candidate = verification.identity, None
    if identity is not None and identity_id is not None:
        candidate = RecordedCandidate(
            identity_id=identity_id,
            face_id=identity.face_id,
            score=identity.score,
            face_score=identity.face_score,
            template_score=identity.template_score,
        )
    search = RecordedSearch(
        kind=SearchKind.VERIFY_PAIR if candidate is None else SearchKind.VERIFY_IDENTITY,
        model=verification.model,
        gallery_size=1,
        decision=recorded_decision(verification.decision, requested=threshold is not None),
        faces=compared_faces(
            [
                (face.aligned, face.unmatched_reason, liveness.verdict(policy, face.estimates))
                for face in verification.faces
            ],
            matched=verification.matched,
            candidate=candidate,
        ),
        faces_found=verification.faces[0].faces_found if candidate is not None else None,
        pair_score=verification.score if candidate is None else None,
        attributes=tuple(each.value for each in attributes),
    )
    with watch.stage(Stage.AUDIT):
        audit_id = recorder.record(search, gallery=gallery, identity_id=identity_id)
    return replace(verification, audit_id=audit_id, timings_ms=watch.timings_ms())
