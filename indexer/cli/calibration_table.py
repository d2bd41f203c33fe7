"""The thresholds of a calibration at some gallery sizes, as JSON and as a table."""

from typing import TYPE_CHECKING, Any

from rich.table import Table

from indexer.cli.output import console, escape_text, out, quantity

if TYPE_CHECKING:
    from indexer.calibration.fitting.measure import Measurement, SuspectedFace
    from indexer.calibration.threshold.measured_curve import MeasuredCurve

SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
SHOWN_SUSPECTS = 10
"""JSON has up to a hundred."""


def rows(curve: "MeasuredCurve", summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The threshold at some gallery sizes."""
    present = summary["faces"]
    sizes = sorted({*SIZES, present}) if present else SIZES
    rows = []
    for faces in sizes:
        threshold = curve.threshold(summary["fpir"], faces)
        estimate = curve.estimate(threshold, faces)
        rows.append(
            {
                "faces": faces,
                "threshold": round(threshold, 4),
                "fpir": estimate.fpir,
                "interval": estimate.interval,
                "supported": estimate.trusted,
                "least_supported_fpir": curve.least_fpir(faces),
            }
        )
    return rows


def print_summary(measurement: "Measurement", summary: dict[str, Any]) -> None:
    curve = measurement.curve
    people = f"{curve.identities:,} people, " if curve.identities else ""
    table = Table(
        "Faces",
        "Threshold",
        f"FPIR {summary['fpir']:g}: 95 %",
        "Supported",
        "Lowest FPIR",
        title=f"{summary['model']}, measured on {people}{curve.comparisons:,} comparisons",
    )
    for row in summary["table"]:
        low, high = row["interval"]
        now = " (now)" if row["faces"] == summary["faces"] else ""
        least = row["least_supported_fpir"]
        table.add_row(
            f"{row['faces']:,}{now}",
            f"{row['threshold']:.3f}",
            f"{low:.2g} to {high:.2g}",
            "yes" if row["supported"] else "no",
            f"{least:.2g}" if least < 1 else "none",
        )
    out.print(table)
    out.print(f"FPIR {summary['fpir']:g} is supported up to {curve.most_faces(summary['fpir']):,} faces.")
    if summary["source"] == "pairs":
        out.print("The people of the pairs are unknown, so comparisons are treated as independent.")
    if measurement.suspects:
        count = quantity(len(measurement.suspects), "pair")
        console.print(f"Left out {count} of identities that seem to be one person:")
        for suspect in measurement.suspects[:SHOWN_SUSPECTS]:
            console.print(f"  {suspect.score:.3f}  {_side(suspect.one)}  and  {_side(suspect.other)}")
        console.print(
            f"One such pair would count as 2 false alarms in {curve.identities:,} searches, an FPIR of"
            f" {2 / curve.identities:.2g}. Delete one identity of each pair that is one person."
        )
    if disputed := summary.get("disputed"):
        _print_disputed(disputed)
    if summary["stored"] is None:
        console.print("Nothing was stored.")


def _print_disputed(disputed: dict[str, Any]) -> None:
    scores, still = disputed["scores"], disputed["still_matched"]
    if scores:
        highest = ", ".join(f"{score:.3f}" for score in scores[:SHOWN_SUSPECTS])
        out.print(
            f"{quantity(len(scores), 'match was', 'matches were')} disputed; the threshold of"
            f" {disputed['threshold']:.3f} would still match {still} of them. Scores: {highest}.",
            highlight=False,
            soft_wrap=True,
        )
    if others := disputed["by_other_models"]:
        out.print(
            f"{quantity(others, 'disputed match has', 'disputed matches have')} a score of another model."
        )


def _side(side: "SuspectedFace") -> str:
    known = [text for text in (side.name, side.external_id) if text]
    return escape_text(" ".join([*known, f"(identity {side.identity}, face {side.face})"]))
