"""Do two photographs, or a photograph and an identity, show the same person?"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from indexer.usecases import verify
from indexer.usecases.answers.verify import VerifyAnswer
from indexer.usecases.explain_pair import FACES
from service.dependencies import Config, CurrentEngine, Meters, UsedFaces, check_attributes
from service.requests.bodies import JsonRoute, body_of, openapi_body
from service.routes import problems
from service.routes.recognition import IMAGE
from service.schemas import recognition
from service.schemas.places import place_of

router = APIRouter(prefix="/v1", tags=["recognition"], route_class=JsonRoute)


@router.post(
    "/verify",
    responses=problems(403, 409, 413, 415, 422),
    openapi_extra=openapi_body(recognition.VerifyPair, {"image_a": IMAGE, "image_b": IMAGE}),
    operation_id="verify",
    summary="Do two photographs show the same person?",
)
def verify_pair(
    engine: CurrentEngine,
    config: Config,
    meters: Meters,
    used_faces: UsedFaces,
    body: Annotated[recognition.VerifyPair, Depends(body_of(recognition.VerifyPair))],
) -> VerifyAnswer:
    """Compares one face of each photograph. The default threshold gives the FMR `GEMEL_VERIFY_FMR`."""
    check_attributes(engine, body.attributes)
    used_faces.add(2 + (FACES if body.explain else 0))
    verification = verify.verify_pair(
        engine.pipeline,
        engine.calibrations.for_model(engine.pipeline.card),
        body.image_a,
        body.image_b,
        fmr=config.verify_fmr,
        threshold=body.threshold,
        several_faces=body.several_faces,
        place_a=place_of(body.box_a, body.landmarks_a, "box_a"),
        place_b=place_of(body.box_b, body.landmarks_b, "box_b"),
        reader=engine.attributes,
        attributes=body.attributes,
        explain=body.explain,
        liveness=body.liveness,
        recorder=engine.recorder,
    )
    meters.observe_stages(verification.timings_ms)
    meters.outcomes.verified(verification)
    return VerifyAnswer.of(verification)


@router.post(
    "/galleries/{gallery}/identities/{identity_id}/verify",
    responses=problems(404, 409, 413, 415, 422),
    openapi_extra=openapi_body(recognition.VerifyIdentity, {"image": IMAGE}),
    operation_id="verify_identity",
    summary="Does a photograph show this identity?",
)
def verify_identity(
    engine: CurrentEngine,
    config: Config,
    meters: Meters,
    used_faces: UsedFaces,
    gallery: str,
    identity_id: UUID,
    body: Annotated[recognition.VerifyIdentity, Depends(body_of(recognition.VerifyIdentity))],
) -> VerifyAnswer:
    """Compares the face with the identity's most similar face."""
    check_attributes(engine, body.attributes, gallery)
    used_faces.add(1)
    verification = verify.verify_identity(
        engine.pipelines,
        engine.calibrations,
        engine.database,
        gallery,
        identity_id,
        body.image,
        fmr=config.verify_fmr,
        threshold=body.threshold,
        several_faces=body.several_faces,
        place=place_of(body.box, body.landmarks),
        reader=engine.attributes,
        attributes=body.attributes,
        recorder=engine.recorder,
    )
    meters.observe_stages(verification.timings_ms)
    meters.outcomes.verified(verification)
    return VerifyAnswer.of(verification)
