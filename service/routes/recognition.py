"""Identify, search and detect. Only identify stores faces, and only where the gallery's policy is to
remember unknown visitors."""

from typing import Annotated

from fastapi import APIRouter, Depends

from indexer.errors import InvalidRequest
from indexer.request_timings import Stopwatch
from indexer.usecases.answers.detect import DetectAnswer
from indexer.usecases.answers.identify import IdentifyAnswer, SearchAnswer
from indexer.usecases.answers.identify_in_several import IdentifyInSeveralAnswer
from indexer.usecases.identify_in_several import identify_in_several
from indexer.usecases.searches.options import SearchOptions
from service.dependencies import (
    Config,
    CurrentEngine,
    CurrentGrant,
    Meters,
    UsedFaces,
    at_most,
    check_attributes,
)
from service.requests.bodies import JsonRoute, body_of, openapi_body
from service.routes import problems
from service.schemas import recognition
from service.schemas.filters import people_filter
from service.schemas.places import place_of

router = APIRouter(prefix="/v1", tags=["recognition"], route_class=JsonRoute)

IMAGE = "/9j/4AAQSkZJRgABAQ..."


@router.post(
    "/galleries/{gallery}/identify",
    responses=problems(403, 404, 409, 413, 415, 422),
    openapi_extra=openapi_body(recognition.Identify, {"image": IMAGE, "max_faces": 1, "max_candidates": 5}),
    operation_id="identify",
    summary="Identify the faces of a photograph",
)
def identify(
    engine: CurrentEngine,
    config: Config,
    meters: Meters,
    used_faces: UsedFaces,
    gallery: str,
    body: Annotated[recognition.Identify, Depends(body_of(recognition.Identify))],
) -> IdentifyAnswer:
    """Returns the largest faces, each with its most similar identities, best first.

    `matched` says whether a candidate's score reaches the threshold. By default this is the score that a
    share `fpir` of the searches for strangers would reach in a gallery of this size: the gallery's policy
    `identify_fpir`, else `GEMEL_IDENTIFY_FPIR`. `estimated_fpir` belongs to the threshold that was used.

    In a gallery with the policy `remember_unknown`, a face that matches nobody is stored as an anonymous
    identity; a key needs no further permission for that, since the policy decides.
    """
    check_attributes(engine, body.attributes, gallery)
    used_faces.add(1)  # also of a picture without a face: it was decoded and searched for one
    identification = engine.identifier.identify(
        gallery,
        body.image,
        max_faces=at_most("max_faces", body.max_faces, config.max_faces),
        max_candidates=at_most("max_candidates", body.max_candidates, config.max_candidates),
        unique_identities=body.unique_identities,
        threshold=body.threshold,
        min_change=body.min_change_number,
        place=place_of(body.box, body.landmarks),
        remember=body.remember,
        among=people_filter(body.filter),
        metadata="metadata" in body.include,
        attributes=body.attributes,
    )
    used_faces.add(max(0, len(identification.faces) - 1))
    meters.observe_stages(identification.timings_ms)
    meters.outcomes.identified(identification)
    return IdentifyAnswer.of(identification)


@router.post(
    "/identify",
    responses=problems(403, 404, 409, 413, 415, 422),
    openapi_extra=openapi_body(
        recognition.IdentifyInSeveral, {"galleries": ["staff", "visitors"], "image": IMAGE, "max_faces": 1}
    ),
    operation_id="identify_in_several",
    summary="Identify the faces of a photograph in several galleries",
)
def identify_in_galleries(
    engine: CurrentEngine,
    config: Config,
    meters: Meters,
    used_faces: UsedFaces,
    grant: CurrentGrant,
    body: Annotated[recognition.IdentifyInSeveral, Depends(body_of(recognition.IdentifyInSeveral))],
) -> IdentifyInSeveralAnswer:
    """As `identify`, of each gallery; each candidate says which. A gallery that cannot be searched is an
    error of the whole request. The limits of a key count each face once for each gallery."""
    if len(set(body.galleries)) < len(body.galleries):
        raise InvalidRequest("galleries names a gallery more than once", field="galleries")
    for name in body.galleries:
        grant.check_gallery(name)
    check_attributes(engine, body.attributes, *body.galleries)
    used_faces.add(len(body.galleries))
    found = identify_in_several(
        engine.identifier,
        body.galleries,
        body.image,
        SearchOptions(
            max_candidates=at_most("max_candidates", body.max_candidates, config.max_candidates),
            unique_identities=body.unique_identities,
            threshold=body.threshold,
            among=people_filter(body.filter),
            metadata="metadata" in body.include,
        ),
        max_faces=at_most("max_faces", body.max_faces, config.max_faces),
        place=place_of(body.box, body.landmarks),
        attributes=body.attributes,
    )
    identifications = [one.identification for one in found]
    used_faces.add(len(found) * max(0, len(identifications[0].faces) - 1))
    meters.observe_stages(identifications[-1].timings_ms)
    for identification in identifications:
        meters.outcomes.identified(identification)
    return IdentifyInSeveralAnswer.of(found)


@router.post(
    "/galleries/{gallery}/search",
    responses=problems(404, 409, 413, 422),
    operation_id="search",
    summary="Search for an embedding",
)
def search(
    engine: CurrentEngine, config: Config, meters: Meters, gallery: str, body: recognition.Search
) -> SearchAnswer:
    """For embeddings that the gallery's model made elsewhere. Send photographs to `identify`."""
    found = engine.identifier.search(
        gallery,
        body.embedding,
        model=body.model,
        max_candidates=at_most("max_candidates", body.max_candidates, config.max_candidates),
        threshold=body.threshold,
        min_change=body.min_change_number,
        among=people_filter(body.filter),
        metadata="metadata" in body.include,
    )
    meters.observe_stages(found.timings_ms)
    meters.outcomes.searched(found)
    return SearchAnswer.of(found)


@router.post(
    "/detect",
    responses=problems(403, 409, 413, 415, 422),
    openapi_extra=openapi_body(recognition.Detect, {"image": IMAGE}),
    operation_id="detect",
    summary="Detect the faces of a photograph",
)
def detect(
    engine: CurrentEngine,
    meters: Meters,
    used_faces: UsedFaces,
    body: Annotated[recognition.Detect, Depends(body_of(recognition.Detect))],
) -> DetectAnswer:
    check_attributes(engine, body.attributes)
    used_faces.add(1)
    watch = Stopwatch()
    place = place_of(body.box, body.landmarks)
    with engine.attributes.turn(body.attributes, watch):
        photograph = engine.pipeline.detect(body.image, watch, max_faces=body.max_faces, place=place)
        used_faces.add(max(0, len(photograph.faces) - 1))
        estimates = engine.attributes.estimate(photograph, body.attributes, watch)
    timings = watch.timings_ms()
    meters.observe_stages(timings)
    return DetectAnswer.of(photograph, estimates, timings)
