"""Sample portraits for a first try, read from packages of the server's machine."""

from fastapi import APIRouter, Response

from indexer import samples
from service.requests.bodies import JsonRoute
from service.routes import problems
from service.schemas.samples import Sample, SampleList

router = APIRouter(prefix="/v1/samples", tags=["samples"], route_class=JsonRoute)

_MEDIA_TYPES = {sample.media_type for sample in samples.SAMPLES}


@router.get("", responses=problems(422), operation_id="list_samples", summary="List the sample portraits")
def list_all() -> SampleList:
    """Portraits in the public domain, one photograph a person, from packages that are installed on the
    server. The list is empty where there is none of these packages."""
    return SampleList(samples=[Sample.of(sample) for sample in samples.installed()])


@router.get(
    "/{sample}",
    response_class=Response,
    responses={
        **problems(404, 422),
        200: {"content": {name: {} for name in sorted(_MEDIA_TYPES)}, "description": "The picture"},
    },
    operation_id="get_sample",
    summary="Get a sample portrait",
)
def get(sample: str) -> Response:
    found, picture = samples.read(sample)
    return Response(picture, media_type=found.media_type, headers={"Cache-Control": "private, max-age=86400"})
