"""Liveness of a burst of frames, with a challenge or without."""

from typing import Annotated

from fastapi import APIRouter, Depends

from indexer.liveness import challenges
from indexer.liveness.burst import MAX_FRAMES, attributes_for, check_burst, measurable
from service.dependencies import Config, CurrentEngine, Meters, UsedFaces, check_attributes
from service.requests.bodies import JsonRoute, body_of, openapi_body
from service.routes import problems
from service.schemas.liveness import Burst, BurstAnswer, DrawChallenge, DrawnChallenge

router = APIRouter(prefix="/v1/liveness", tags=["recognition"], route_class=JsonRoute)

_FRAMES = ["/9j/4AAQSkZJRgABAQ...", "/9j/4AAQSkZJRgABAQ...", "/9j/4AAQSkZJRgABAQ..."]


@router.post(
    "/challenges",
    status_code=201,
    responses=problems(403, 409, 413, 422),
    operation_id="draw_liveness_challenge",
    summary="Draw movements that a person is to make before the camera",
)
def draw(engine: CurrentEngine, body: DrawChallenge | None = None) -> DrawnChallenge:
    """The movements are drawn at random: `turn_left`, `turn_right`, `look_up`, `look_down`, `come_nearer`,
    and `close_eyes` where the attribute `eyes` is permitted and its network is on the server. A person who is
    to close the eyes opens them again, and holds each for a frame. The token is known to this API key only,
    and expires after 60 seconds.

    409 `attribute_unavailable` where the networks for liveness and the pose of a head are not on the
    server."""
    check_attributes(engine, attributes_for(challenge=True))
    count = (body or DrawChallenge()).movements
    return DrawnChallenge.of(challenges.draw(engine.database, count, measurable(engine.attributes)))


@router.post(
    "",
    responses=problems(403, 404, 409, 413, 415, 422),
    openapi_extra=openapi_body(Burst, {"frames": _FRAMES}),
    operation_id="check_liveness",
    summary="Does a burst of frames show a living person?",
)
def check(
    engine: CurrentEngine,
    config: Config,
    meters: Meters,
    used_faces: UsedFaces,
    body: Annotated[Burst, Depends(body_of(Burst))],
) -> BurstAnswer:
    """Judges 3 to 10 frames of one face, or a clip: each frame for prints and screens, and all of them for
    the same person and for movement. A still that is sent several times, shifted or enlarged, is not `live`.
    With a `token`, the frames must show the challenge's movements in their order, and no others; eyes may be
    closed in others too, since people blink.

    Of a `clip`, 15 to 30 frames at equal distances are decoded. Without a challenge, 10 of them are judged.
    With one, the poses of all are measured, and 10 are judged: the first with a face, the last, the middle of
    each movement, and others between them.

    **What it does not detect**: masks and make-up; video that is fed in instead of the webcam's, whether
    recorded or made to order; a screen in high resolution that fills the picture and plays the right clip.
    The pose of a head errs by about 5 degrees, so that a small movement is missed. It says nothing of who the
    person is: identify or verify a frame of the same burst, never another picture.

    A challenge's token is used up by this request, also where the answer is an error of a frame, of the clip,
    or 503; 409 `challenge_used` and `challenge_expired` and 404 `challenge_not_found` say why one is not
    accepted. The limits of a key count each frame as a face, and a clip as 10."""
    check_attributes(engine, attributes_for(challenge=body.token is not None))
    used_faces.add(len(body.frames) or MAX_FRAMES)
    found = check_burst(
        engine.pipeline,
        engine.calibrations.for_model(engine.pipeline.card),
        engine.attributes,
        engine.database,
        body.shown,
        fmr=config.verify_fmr,
        token=body.token,
        several_faces=body.several_faces,
    )
    meters.observe_stages(found.timings_ms)
    return BurstAnswer.of(found)
