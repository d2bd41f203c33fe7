"""The output of `gemel models` for people."""

from collections.abc import Mapping
from typing import Any

from rich.table import Column, Table

from indexer.cli.output import console, escape_text, out

_MB = 1e6
_SHOWN = 20
"""Most unknown files that are listed. JSON has all."""


def print_list(rows: Mapping[str, Any]) -> None:
    models = Table(
        Column("Model", no_wrap=True),
        "Weights",
        Column("Dimension", justify="right"),
        Column("Licence", no_wrap=True),
        "",
    )
    for row in rows["models"]:
        marks = [mark for mark in ("active", "recommended", "superseded") if row[mark]]
        models.add_row(
            escape_text(row["fingerprint"] if row["superseded"] else row["name"]),
            _weights(row),
            str(row["dimension"]),
            escape_text(row["licence"]),
            ", ".join(marks),
        )
    out.print(models)
    networks = Table(
        Column("Network", no_wrap=True), "Weights", "Purpose", "Attributes", Column("Licence", no_wrap=True)
    )
    for row in rows["networks"]:
        attributes = ", ".join(row["attributes"])
        networks.add_row(row["name"], _weights(row), row["purpose"], attributes, row["licence"])
    out.print(networks)
    if any(row["missing"] for row in [*rows["models"], *rows["networks"]]):
        console.print("`gemel models fetch NAME` fetches missing weights.", highlight=False)


def print_model(row: Mapping[str, Any]) -> None:
    table = Table(Column(no_wrap=True), Column(overflow="fold"), show_header=False, box=None)
    for title, value in _facts(row):
        table.add_row(title, escape_text(value))
    for publisher in row["publishers"]:
        table.add_row("", "")
        table.add_row("Network", f"{publisher['network']}, {escape_text(publisher['publisher'])}")
        table.add_row("Page", publisher["page"])
        table.add_row("Licence", publisher["licence"])
        if publisher["notes"]:
            table.add_row("Note", publisher["notes"])
        for measured, figure in publisher["published_figures"].items():
            table.add_row("Published", f"{measured}: {figure}")
    for file in row["files"]:
        table.add_row("", "")
        table.add_row("File", escape_text(file["name"]))
        if file["size_bytes"]:
            table.add_row("Size", f"{file['size_bytes']:,} bytes")
        table.add_row("SHA-256", file["sha256"])
        if file["publishers_digest"]:
            kind, _, digest = file["publishers_digest"].partition(":")
            table.add_row("Publisher's", f"{kind} {digest}")
        if file["package"]:
            table.add_row("Package", file["package"])
        for address in file["addresses"]:
            table.add_row("Address", address)
        table.add_row("Path", escape_text(file["path"] or "not on this machine"))
    out.print(table)


_OUTCOMES = {
    "added": "is added",
    "fetched": "is fetched",
    "present": "was here already",
    "in a package": "comes with a package",
}


def print_fetched(row: Mapping[str, Any]) -> None:
    for file in row["files"]:
        source = f" from {file['source']}" if file["source"] else ""
        line = f"{file['file']} {_OUTCOMES[file['outcome']]}{escape_text(source)}."
        out.print(line, highlight=False, soft_wrap=True)


def print_added(row: Mapping[str, Any]) -> None:
    unknown = [file["path"] for file in row["files"] if file["outcome"] == "unknown"]
    for file in row["files"]:
        if file["outcome"] != "unknown":
            line = f"{escape_text(file['path'])}: {file['file']} {_OUTCOMES[file['outcome']]}."
            out.print(line, highlight=False, soft_wrap=True)
    for path in unknown[:_SHOWN]:
        out.print(f"{escape_text(path)}: unknown, not added.", highlight=False, soft_wrap=True)
    if len(unknown) > _SHOWN:
        out.print(f"{len(unknown) - _SHOWN:,} further files are unknown.", highlight=False)
    for network in row["networks"]:
        if network["missing"]:
            out.print(f"{network['name']} still lacks {', '.join(network['missing'])}.", highlight=False)
        else:
            out.print(f"{network['name']} is complete.", highlight=False)


def _facts(row: Mapping[str, Any]) -> list[tuple[str, object]]:
    facts: list[tuple[str, object]] = [("Name", row["name"])]
    if "fingerprint" not in row:
        return [*facts, ("Purpose", row["purpose"]), ("Weights", _weights(row))]
    facts += [("Fingerprint", row["fingerprint"]), ("Dimension", row["dimension"])]
    facts += [("Alignment", row["template"]), ("Weights", _weights(row))]
    for part in row["parts"]:
        views = "face and mirror image" if part["mirror"] else "face"
        facts += [("Part", f"{part['name']}, weight {part['weight']:.3g}, {views}")]
    facts += [("Licence", row["licence"]), ("Source", row["source"])]
    facts += [("Active", "yes" if row["active"] else "no")]
    if row["recommended"]:
        facts += [("Recommended", "yes")]
    facts += [(f"Score at FMR {rate:g}", f"{score:.4f}") for rate, score in row["score_at_fmr"]]
    return facts


def _weights(row: Mapping[str, Any]) -> str:
    text = ", ".join(row["weights_from"])
    return f"{text} ({row['missing_bytes'] / _MB:.1f} MB)" if row["missing_bytes"] else text
