"""Sample portraits for a first try, read from packages of the server's machine."""

from enum import IntEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response

from indexer import samples
from indexer.vision.preview import preview_of_trusted
from service.requests.bodies import JsonRoute
from service.routes import problems
from service.schemas.samples import Sample, SampleList

router = APIRouter(prefix="/v1/samples", tags=["samples"], route_class=JsonRoute)

_MEDIA_TYPES = {sample.media_type for sample in samples.SAMPLES}


class SampleSize(IntEnum):
    PX_96 = 96
    PX_192 = 192


@router.get("", responses=problems(422), operation_id="list_samples", summary="List the sample portraits")
def list_all() -> SampleList:
    """Portraits in the public domain, one photograph of each person, from packages that are installed on the
    server. The list is empty if none of these packages is installed."""
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
def get(
    sample: str,
    size: Annotated[
        SampleSize | None,
        Query(description="Longer side in pixels, for a preview in JPEG; default: the original file"),
    ] = None,
) -> Response:
    found, picture = samples.read(sample)
    media_type = found.media_type
    if size is not None:
        picture, media_type = preview_of_trusted(picture, size), "image/jpeg"
    return Response(picture, media_type=media_type, headers={"Cache-Control": "private, max-age=86400"})
