"""Answers of searches, by their `audit_id`: explained, and disputed."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from indexer.audit.searches import dispute as disputing
from indexer.audit.searches import explanation, replay
from indexer.audit.searches.explanation import Explanation
from indexer.audit.searches.replayed import Replay
from indexer.errors import AuditEventNotFound, CropNotStored
from indexer.records.audit import probes, rows
from indexer.records.audit.event import Action, AuditEvent
from service.dependencies import CurrentEngine
from service.requests.bodies import JsonRoute
from service.routes import problems
from service.schemas.disputes import Dispute, DisputeNew

router = APIRouter(prefix="/v1/audit/{audit_id}", tags=["audit"], route_class=JsonRoute)


def visible_event(request: Request, engine: CurrentEngine, audit_id: UUID) -> UUID:
    """Raises AuditEventNotFound for an event of a gallery that the key may not see, or of none, as for one
    that does not exist."""
    galleries = request.state.grant.galleries
    if galleries.patterns is not None:
        with engine.database.reading() as session:
            gallery = rows.get(session, audit_id).gallery
        if gallery is None or not galleries.allows(gallery):
            raise AuditEventNotFound(f"the audit record has no event {audit_id}", id=str(audit_id))
    return audit_id


Event = Annotated[UUID, Depends(visible_event)]


@router.get(
    "/explain",
    responses=problems(404, 422),
    operation_id="explain_search",
    summary="Explain the answer of a search",
)
def explain(engine: CurrentEngine, event: Event) -> Explanation:
    """In words and figures: which enrolled face was nearest, its score, the threshold and what it means, how
    far the second person was, and what makes the answer less certain. The figures are those of the time;
    names, and whether a person or face still exists, are those of now."""
    return explanation.explain(engine.database, event)


@router.post(
    "/replay",
    responses=problems(404, 422),
    operation_id="replay_search",
    summary="Repeat a search with the crops that were kept",
)
def repeat(engine: CurrentEngine, event: Event) -> Replay:
    """Against the gallery as it is now, with its present model. Says whether the answer is the same, and what
    has changed. Only `identify` can be repeated, in a gallery whose policy keeps probes. The audit record
    gets an event `search.replayed`."""
    return replay.replay(engine, event)


@router.get(
    "/faces/{face}/crop",
    response_class=Response,
    responses={**problems(404, 422), 200: {"content": {"image/jpeg": {}}, "description": "The crop"}},
    operation_id="get_probe_crop",
    summary="Get the kept crop of an identified face",
)
def crop(engine: CurrentEngine, event: Event, face: int) -> Response:
    """As crops of enrolled faces are: upright, with a margin. 404 if it was not kept, or was deleted."""
    with engine.database.reading() as session:
        gallery = rows.get(session, event).gallery
        jpeg = probes.crop(session, event, face)
    if jpeg is None:
        raise CropNotStored("no crop of this face is kept", id=str(event))
    engine.search_writer.record(
        AuditEvent(action=Action.FACE_READ, gallery=gallery, details={"audit_id": event, "face": face})
    )
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


@router.delete(
    "/faces",
    status_code=204,
    responses=problems(404, 422),
    operation_id="delete_probes",
    summary="Delete the kept crops of an identification",
)
def forget(engine: CurrentEngine, event: Event) -> Response:
    """The event itself stays: it holds figures and ids only."""
    disputing.forget(engine.database, event)
    return Response(status_code=204)


@router.post(
    "/disputes",
    status_code=201,
    responses=problems(404, 413, 422),
    operation_id="dispute_match",
    summary="Say that a face is not the person it resembled",
)
def dispute(engine: CurrentEngine, event: Event, body: DisputeNew) -> Dispute:
    """Remembered for this face and person: later answers report it in the candidate's `disputed`, and
    `gemel calibrate` and the comparison of models count such matches. It changes no threshold."""
    return Dispute.of(disputing.dispute(engine.database, event, body.face, body.identity_id))


@router.delete(
    "/disputes/{dispute_id}",
    status_code=204,
    responses=problems(404, 422),
    operation_id="withdraw_dispute",
    summary="Withdraw a dispute",
)
def withdraw(engine: CurrentEngine, event: Event, dispute_id: UUID) -> Response:
    disputing.withdraw(engine.database, event, dispute_id)
    return Response(status_code=204)
