"""Renders the templates of this package. A page is one file: its styles and its images are inside.

Jinja and Matplotlib belong to the extra `report`. They are imported when a page is rendered.
"""

import base64
from collections.abc import Callable, Sequence
from importlib.resources import files
from io import BytesIO
from typing import IO, Any

from indexer.errors import Misconfigured


def require() -> None:
    """Raises Misconfigured if the extra is not installed. Call it before minutes of work, not after."""
    try:
        import jinja2
        import matplotlib  # noqa: F401
    except ImportError:
        raise Misconfigured("a report needs jinja2 and matplotlib: pip install 'gemel[report]'") from None
    assert jinja2


def render(template: str, **values: Any) -> str:
    """`template`: the file's name in this package. Raises Misconfigured without the extra `report`."""
    require()
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(lambda name: files(__package__).joinpath(name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "interval": interval, "drawn": picture}
    return environment.get_template(template).render(**values)


def picture(draw: Callable[[IO[bytes]], None]) -> str:
    """The PNG that `draw` writes, as a data: URL."""
    file = BytesIO()
    draw(file)
    return as_url("image/png", file.getvalue())


def as_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def percent(rate: float | None) -> str:
    return "not measurable" if rate is None else f"{rate:.2%}"


def interval(bounds: Sequence[float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.2%} to {bounds[1]:.2%}"
