"""The OpenAPI document and its page. They need the API key like everything else."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse

from service import openapi

router = APIRouter(include_in_schema=False)


@router.get("/")
async def root(request: Request) -> RedirectResponse:
    return RedirectResponse(_prefix(request) + "/docs")


@router.get("/openapi.json")
async def document(request: Request) -> Response:
    return Response(openapi.encoded(request.app, _prefix(request)), media_type="application/json")


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    prefix = _prefix(request)
    return get_swagger_ui_html(
        openapi_url=f"{prefix}/openapi.json",
        title="Gemel",
        swagger_js_url=f"{prefix}/docs/swagger-ui-bundle.js",
        swagger_css_url=f"{prefix}/docs/swagger-ui.css",
        swagger_favicon_url="data:,",
        swagger_ui_parameters={"defaultModelsExpandDepth": 0},
    )


@router.get("/docs/{name}")
async def asset(name: Literal["swagger-ui-bundle.js", "swagger-ui.css"]) -> FileResponse:
    return FileResponse(Path(str(files("fastapi_offline"))) / "static" / name)


def _prefix(request: Request) -> str:
    """The path prefix that the client uses."""
    prefix: str = request.scope.get("root_path", "")
    return prefix
