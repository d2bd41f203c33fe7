"""What `gemel gallery show` prints."""

from typing import Any

from rich.table import Column, Table

from indexer.cli.output import escape_text, out, quantity


def print_gallery(row: dict[str, Any]) -> None:
    people, faces = quantity(row["identities"], "person", "people"), quantity(row["faces"], "face")
    out.print(f"{escape_text(row['name'])}: {people}, {faces}, model {escape_text(row['model'] or '-')}")
    if threshold := row["threshold"]:
        trusted = "" if threshold["fpir_trusted"] else ", which the measurement does not support"
        interval = threshold["estimated_fpir_interval"]
        out.print(
            f"Threshold {threshold['threshold']:.3f} for an FPIR of {threshold['fpir']:g}{trusted};"
            f" by the {threshold['calibration']}"
            + (f", range {interval[0]:.2g} to {interval[1]:.2g}" if interval else "")
        )
        out.print(f"This FPIR is supported up to {quantity(row['supported_up_to_faces'], 'face')}.")
    if duplicate := row["duplicate_threshold"]:
        out.print(
            f"The duplicate check of enrolments is {row['duplicate_check']}: threshold"
            f" {duplicate['threshold']:.3f} for an FPIR of {duplicate['fpir']:g}."
        )
    check = row["fpir_check"]
    if not check["searches"]:
        out.print("No searches are counted yet.")
        return
    out.print(
        f"{quantity(check['searches'], 'search', 'searches')}, {check['matched']:,} matched; if all were for"
        f" strangers, {check['expected_false_alarms']:,.1f} false alarms are expected."
    )
    table = Table(
        Column("Other people at the score of FPIR 10 %"),
        Column("Searches", justify="right"),
        Column("Reached", justify="right"),
        Column("Expected", justify="right"),
        Column("At most", justify="right"),
        Column("Verdict"),
    )
    for name, key in (
        ("second person of matched searches", "among_matched"),
        ("first person of unmatched searches", "among_unmatched"),
    ):
        finding = check[key]
        table.add_row(
            name,
            f"{finding['searches']:,}",
            f"{finding['reached']:,}",
            f"{finding['expected']:,.0f}",
            f"{finding['limit']:,.0f}",
            finding["verdict"].replace("_", " "),
        )
    out.print(table)
    if check["duplicates"]:
        found = quantity(check["duplicates"], "search", "searches")
        out.print(f"{found} found two people who may be the same person: somebody may be enrolled twice.")
    if check["warning"]:
        out.print(f"Warning: {check['warning']}")
