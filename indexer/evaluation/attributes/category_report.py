"""The report on an attribute with categories."""

from indexer.evaluation.attributes.category import CategoryResult
from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import INTERVALS, Report, Row, Section, Table, count, facts, rate


def report(provenance: Provenance, data: str, result: CategoryResult) -> Report:
    return Report(
        title=f"Attribute {result.attribute}",
        lead="The largest face of each picture is estimated as the service does it. Every picture counts:"
        " one without a face or without a value is a wrong answer.",
        facts=facts(
            provenance,
            (result.attribute,),
            data,
            ("No face detected", f"{result.no_face:,}"),
            *((("Unreadable", f"{result.unreadable:,}"),) if result.unreadable else ()),
        ),
        sections=(_rates(result), _confusion(result)),
    )


def _rates(result: CategoryResult) -> Section:
    error = result.calibration_error
    reasons = result.cannot_tell_reasons.items()
    rows = [
        Row(label="accuracy", cells=(rate(result.accuracy, result.accuracy_interval),)),
        *(
            Row(label=f"right, of {label} with a face", cells=(rate(*share),))
            for label, share in result.right_by_label.items()
        ),
        Row(
            label="cannot tell",
            cells=(rate(result.cannot_tell, result.cannot_tell_interval),),
            note=", ".join(f"{why.replace('_', ' ')}: {number}" for why, number in reasons),
        ),
        Row(
            label="accuracy where it can tell",
            cells=(rate(result.accuracy_when_decided, result.accuracy_when_decided_interval),),
        ),
        Row(
            label="mean confidence",
            cells=(rate(result.mean_confidence),),
            note="calibration error " + ("not measurable" if error is None else f"{error:.3f}"),
        ),
    ]
    return Section(
        title="Rates",
        table=Table(columns=(f"{result.pictures:,} pictures of {result.people:,} people",), rows=tuple(rows)),
        notes=(INTERVALS,),
    )


def _confusion(result: CategoryResult) -> Section:
    answers = tuple(next(iter(result.confusion.values())))
    return Section(
        title="Confusion",
        text=("A row a label of the data, a column an answer.",),
        table=Table(
            columns=tuple(answer.replace("_", " ") for answer in answers),
            rows=tuple(
                Row(label=label, cells=tuple(count(row[answer]) for answer in answers))
                for label, row in result.confusion.items()
            ),
        ),
    )
