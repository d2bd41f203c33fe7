"""What `gemel gallery` prints."""

from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from indexer.cli.output import escape_text, out, quantity
from indexer.types import DuplicateCheck, LivenessPolicy

if TYPE_CHECKING:
    from indexer.records.tables import Gallery, Model


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
    out.print(visitor_policy(row))
    out.print(attribute_policy(row))
    out.print(liveness_policy(row))
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


def print_policy(gallery: "Gallery") -> None:
    row = as_row(gallery, 0, {})
    fpir = gallery.duplicate_fpir
    kept = "keeps" if gallery.keep_probes else "does not keep"
    how = "" if gallery.duplicate_check == DuplicateCheck.OFF or fpir is None else f", at an FPIR of {fpir:g}"
    out.print(
        f"Gallery {gallery.name} uses the person score {gallery.person_score}. Its duplicate check is"
        f" {gallery.duplicate_check}{how}. It {kept} probes. {visitor_policy(row)} {attribute_policy(row)}"
        f" {liveness_policy(row)}",
        highlight=False,
        soft_wrap=True,
    )


def visitor_policy(row: dict[str, Any]) -> str:
    if not row["remember_unknown"]:
        return "It does not remember unknown visitors."
    quality = row["min_visitor_quality"]
    least = "" if quality is None else f" of a quality of {quality:g} or more"
    return (
        f"It remembers up to {row['max_visitors']:,} unknown visitors by up to"
        f" {quantity(row['max_visitor_faces'], 'face')} each{least}, until"
        f" {row['visitor_lifetime_hours']:g} hours after the last sighting."
    )


def attribute_policy(row: dict[str, Any]) -> str:
    permitted = row["attributes"]
    if permitted is None:
        return "It permits the attributes that the installation permits."
    return f"It permits the attributes {', '.join(permitted)}." if permitted else "It permits no attributes."


def liveness_policy(row: dict[str, Any]) -> str:
    return {
        LivenessPolicy.OFF: "It does not look for prints and screens.",
        LivenessPolicy.REPORT: "Its answers say whether a face looks like a print or a screen.",
        LivenessPolicy.REJECT: "A face that looks like a print or a screen, or that cannot be judged,"
        " matches nobody and is not enrolled.",
    }[LivenessPolicy(row["liveness"])]


def print_odd(name: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print(f"Every face in {name} resembles the other faces of its person.", highlight=False)
        return
    table = Table(
        Column("Person", overflow="fold"),
        Column("Faces", justify="right"),
        Column("Face", overflow="fold"),
        Column("Score", justify="right"),
    )
    for row in rows:
        person = row["name"] or row["external_id"] or str(row["identity_id"])
        table.add_row(escape_text(person), f"{row['faces']:,}", str(row["face_id"]), f"{row['score']:.3f}")
    out.print(table)
    out.print(
        f"Below {rows[0]['limit']:.3f}, the score that one stranger in a hundred reaches. Of two faces, the"
        " newer is listed.",
        highlight=False,
        soft_wrap=True,
    )


def as_row(gallery: "Gallery", people: int, models: "dict[int, Model]") -> dict[str, Any]:
    model = models.get(gallery.model_id or 0)
    return {
        "id": gallery.id,
        "name": gallery.name,
        "identities": people,
        "faces": gallery.face_count,
        "model": None if model is None else model.fingerprint,
        "store_crops": gallery.store_crops,
        "keep_probes": gallery.keep_probes,
        "identify_fpir": gallery.identify_fpir,
        "min_match_face_px": gallery.min_match_face_px,
        "min_match_sharpness": gallery.min_match_sharpness,
        "max_match_miss_rate": gallery.max_match_miss_rate,
        "person_score": gallery.person_score,
        "duplicate_check": gallery.duplicate_check,
        "duplicate_fpir": gallery.duplicate_fpir,
        "remember_unknown": gallery.remember_unknown,
        "min_visitor_quality": gallery.min_visitor_quality,
        "visitor_lifetime_hours": gallery.visitor_lifetime_hours,
        "max_visitors": gallery.max_visitors,
        "max_visitor_faces": gallery.max_visitor_faces,
        "attributes": gallery.attributes,
        "liveness": gallery.liveness,
        "change_number": gallery.change_number,
        "created_at": gallery.created_at,
    }


def print_list(rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print("There are no galleries. Create one with `gemel gallery create NAME`.")
        return
    table = Table(
        Column("Gallery", overflow="fold"),
        Column("People", justify="right"),
        Column("Faces", justify="right"),
        Column("Model", overflow="fold"),
        Column("Created", no_wrap=True),
    )
    for row in rows:
        table.add_row(
            escape_text(row["name"]),
            f"{row['identities']:,}",
            f"{row['faces']:,}",
            escape_text(row["model"] or "-"),
            f"{row['created_at'].astimezone():%Y-%m-%d}",
        )
    out.print(table)
