"""The packages as a picture (SVG): a row for each layer, an arrow for each import from the layer below.

Imports that follow from others are left out; those from lower layers are named in the box.
"""

import textwrap
from html import escape

from docs.scripts.packages import SERVICE, arrows, layers, packages

WIDTH, MARGIN, GAP = 940, 16, 20
ROW_GAP = 46
LINE = 15
STYLE = """
  svg { font-family: system-ui, sans-serif; }
  .box { fill: #f4faf9; stroke: #00796b; stroke-width: 1.2; }
  .http { fill: #fff8e6; stroke: #b26a00; }
  .values { fill: #f3f3f5; stroke: #78787f; }
  .name { font-size: 14px; font-weight: 600; fill: #10302c; }
  .text { font-size: 12px; fill: #333; }
  .library { font-size: 11px; font-style: italic; fill: #00695c; }
  .arrow { stroke: #6b7f7c; stroke-width: 1.1; fill: none; marker-end: url(#head); }
  .paper { fill: #ffffff; }
"""


def svg() -> str:
    rows = layers()
    values = rows.pop()
    rows[0] = [*rows[0], SERVICE]
    boxes: dict[str, tuple[float, float, float, float]] = {}
    parts: list[str] = []
    distant = _distant(rows)
    y = float(MARGIN)
    for row in rows:
        width = (WIDTH - 2 * MARGIN - GAP * (len(row) - 1)) / len(row)
        width = min(width, 444.0)
        left = (WIDTH - width * len(row) - GAP * (len(row) - 1)) / 2
        texts = {name: [*_lines(name, width), *distant.get(name, [])] for name in row}
        height = 34 + LINE * max(len(lines) for lines in texts.values())
        for i, name in enumerate(row):
            boxes[name] = (left + i * (width + GAP), y, width, height)
            parts += _box(name, texts[name], boxes[name])
        y += height + ROW_GAP
    parts += _values(values, y - ROW_GAP / 3)
    y += 54
    level = {name: i for i, row in enumerate(rows) for name in row}
    lines = [_arrow(boxes[a], boxes[b]) for a, b in sorted(arrows()) if level[b] == level[a] + 1]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" role="img"',
            '     aria-label="Packages of Gemel in layers; arrows point from the importer to the imported">',
            f"<style>{STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
            ' orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#6b7f7c"/></marker></defs>',
            f'<rect class="paper" width="{WIDTH}" height="{y:.0f}" rx="6"/>',
            *lines,
            *parts,
            "</svg>\n",
        ]
    )


def _distant(rows: list[list[str]]) -> dict[str, list[str]]:
    """By package, a line that names its imports from other layers than the next."""
    level = {name: i for i, row in enumerate(rows) for name in row}
    others: dict[str, list[str]] = {}
    for name, other in sorted(arrows()):
        if level[other] != level[name] + 1:
            others.setdefault(name, []).append(other)
    return {name: [f"also: {', '.join(names)}"] for name, names in others.items()}


def _lines(name: str, width: float) -> list[str]:
    return textwrap.wrap(packages()[name].sentence, max(int((width - 20) / 6.5), 12))


def _box(name: str, lines: list[str], box: tuple[float, float, float, float]) -> list[str]:
    x, y, width, height = box
    kind = "box http" if name == SERVICE else "box"
    libraries = ", ".join(packages()[name].libraries)
    return [
        f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="5"/>',
        f'<text class="name" x="{x + 10:.0f}" y="{y + 20:.0f}">{escape(name)}'
        + (f'<tspan class="library" dx="8">{escape(libraries)}</tspan>' if libraries else "")
        + "</text>",
        *(
            f'<text class="text" x="{x + 10:.0f}" y="{y + 38 + i * LINE:.0f}">{escape(line)}</text>'
            for i, line in enumerate(lines)
        ),
    ]


def _values(names: list[str], y: float) -> list[str]:
    return [
        f'<rect class="box values" x="{MARGIN}" y="{y:.0f}" width="{WIDTH - 2 * MARGIN}" height="46"'
        ' rx="5"/>',
        f'<text class="name" x="{MARGIN + 10}" y="{y + 19:.0f}">values</text>',
        f'<text class="text" x="{MARGIN + 10}" y="{y + 36:.0f}">{escape(", ".join(names))}:'
        " imported by every package above</text>",
    ]


def _arrow(above: tuple[float, float, float, float], below: tuple[float, float, float, float]) -> str:
    """From the lower edge of one box to the upper edge of the other."""
    ax, ay, aw, ah = above
    bx, by, bw, _ = below
    start = min(max(bx + bw / 2, ax + 14), ax + aw - 14)
    end = min(max(ax + aw / 2, bx + 14), bx + bw - 14)
    return f'<path class="arrow" d="M{start:.0f},{ay + ah:.0f} L{end:.0f},{by - 2:.0f}"/>'
