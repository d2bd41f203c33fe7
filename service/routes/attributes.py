"""Which attributes of a face requests may ask for."""

from collections.abc import Iterator

from fastapi import APIRouter

from indexer.attributes.provenance import NetworkOrigin, origins
from indexer.attributes.reader import AttributeReader
from indexer.types import SENSITIVE, Attribute
from service.dependencies import CurrentEngine
from service.requests.bodies import JsonRoute
from service.routes import problems
from service.schemas.attributes import AttributeList, AttributeNetwork, AttributeStatus

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
                networks=[AttributeNetwork.model_validate(each) for each in _origins(reader, attribute)],
            )
            for attribute in Attribute
        ]
    )


def _origins(reader: AttributeReader, attribute: Attribute) -> Iterator[NetworkOrigin]:
    kind = reader.kind(attribute)
    return iter(()) if kind is None else origins(kind)
