"""Which attributes of a face requests may ask for."""

from fastapi import APIRouter

from indexer.types import SENSITIVE, Attribute
from service.dependencies import CurrentEngine
from service.requests.bodies import JsonRoute
from service.routes import problems
from service.schemas.attributes import AttributeList, AttributeStatus

router = APIRouter(prefix="/v1/attributes", tags=["recognition"], route_class=JsonRoute)


@router.get(
    "",
    responses=problems(422),
    operation_id="list_attributes",
    summary="List the attributes of a face that requests may ask for",
)
def list_all(engine: CurrentEngine) -> AttributeList:
    """As far as the installation decides it. A gallery's policy `attributes` may permit fewer."""
    reader = engine.attributes
    return AttributeList(
        attributes=[
            AttributeStatus(
                name=attribute,
                permitted=reader.is_permitted(attribute),
                available=reader.is_available(attribute),
                sensitive=attribute in SENSITIVE,
            )
            for attribute in Attribute
        ]
    )
