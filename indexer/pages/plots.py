"""The style of all plots: size, titles, grid, colours, percentages."""

from typing import TYPE_CHECKING, Any

from indexer.errors import Misconfigured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVE = "#1f5fa8"
POINT = "#c2410c"
QUIET = "#555555"
MODELS = (CURVE, POINT, "#15803d", "#7e22ce", "#0e7490", "#a16207")
"""The colours of several models, in turn."""
LINES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (5, 2, 1, 2)), "-", (0, (5, 2)))
"""Their line styles: a printed plot may have no colours."""


def require_matplotlib() -> None:
    """Raises Misconfigured if Matplotlib is not installed. Call it before minutes of work, not after."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise Misconfigured("a plot needs matplotlib: pip install 'gemel[report]'") from None


def new_figure(width: float, height: float) -> "Figure":
    """Sizes in inches. Raises Misconfigured without the extra `report`."""
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)  # not pyplot, which needs a display and keeps every figure alive
    return figure


def new_plot(title: str, subtitle: str) -> "tuple[Figure, Axes]":
    """A figure with one pair of axes. Raises Misconfigured without the extra `report`."""
    figure = new_figure(8, 5.4)
    axes = figure.add_subplot()
    set_titles(axes, title, subtitle)
    return figure, axes


def line_style(place: int) -> dict[str, Any]:
    """The keyword arguments that draw the line of the model number `place`."""
    return {"color": MODELS[place % len(MODELS)], "linestyle": LINES[place % len(LINES)], "linewidth": 1.8}


def set_titles(axes: "Axes", title: str, subtitle: str) -> None:
    """Title, subtitle and grid."""
    axes.set_title(title, fontsize=13, fontweight="bold", pad=22)
    axes.annotate(
        subtitle,
        (0.5, 1.0),
        xycoords="axes fraction",
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color=QUIET,
    )
    axes.grid(visible=True, which="major", color="#c8c8c8", linewidth=0.8)
    axes.grid(visible=True, which="minor", color="#ececec", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def mark_point(axes: "Axes", x: float, y: float, label: str, *, corner: str) -> None:
    """An operating point. Its label lies towards `corner`, such as "upper left": where the curve is not."""
    upper, left = "upper" in corner, "left" in corner
    axes.plot(x, y, "o", color=POINT, markersize=7, markeredgecolor="white", clip_on=False, zorder=3)
    axes.annotate(
        label,
        (x, y),
        xytext=(-8 if left else 8, 7 if upper else -7),
        textcoords="offset points",
        ha="right" if left else "left",
        va="bottom" if upper else "top",
        fontsize=9,
        color=POINT,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )


def percent(rate: float, _place: float = 0) -> str:
    return f"{100 * rate:g}%"


def percent_axes(axes: "Axes") -> None:
    """Labels both axes in percent; logarithmic ones at 1, 2 and 5 of each decade."""
    from matplotlib.ticker import LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(percent)
