"""The report of expressions."""

from collections.abc import Sequence
from functools import partial

from indexer.evaluation.attributes.expression.outcomes import Example
from indexer.evaluation.attributes.expression.plot import draw_confusion, draw_examples
from indexer.evaluation.attributes.expression.rates import ExpressionResult, columns
from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import INTERVALS, Plot, Report, Row, Section, Table, count, facts, rate


def report(
    provenance: Provenance, data: str, result: ExpressionResult, examples: Sequence[Example]
) -> Report:
    return Report(
        title="Expressions",
        lead="The largest face of each picture is estimated as the service does it. Every picture counts:"
        " one without a face or without a value is a wrong answer. An expression is what a face shows in one"
        " picture, not what a person feels.",
        facts=facts(
            provenance,
            (result.model,),
            data,
            ("No face detected", f"{result.no_face:,}"),
            *((("Unreadable", f"{result.unreadable:,}"),) if result.unreadable else ()),
            ("Duration", f"{result.seconds:.0f} s"),
        ),
        sections=(_rates(result), _confusion(result), *_examples(examples)),
    )


def _rates(result: ExpressionResult) -> Section:
    rows = [
        Row(label="accuracy", cells=(rate(result.accuracy, result.accuracy_interval),)),
        Row(
            label="balanced accuracy",
            cells=(rate(result.balanced_accuracy, result.balanced_accuracy_interval),),
            note="mean over the expressions",
        ),
        Row(
            label="cannot tell",
            cells=(rate(result.cannot_tell, result.cannot_tell_interval),),
            note=", ".join(
                f"{why.replace('_', ' ')}: {number}" for why, number in result.cannot_tell_reasons.items()
            ),
        ),
        Row(
            label="accuracy where it can tell",
            cells=(rate(result.accuracy_when_decided, result.accuracy_when_decided_interval),),
        ),
        Row(
            label="mean confidence",
            cells=(rate(result.mean_confidence),),
            note="calibration error "
            + ("not measurable" if result.calibration_error is None else f"{result.calibration_error:.3f}"),
        ),
    ]
    if result.unknown:
        rows.append(
            Row(
                label=f"accuracy without {', '.join(result.unknown)}",
                cells=(rate(result.accuracy_of_known, result.accuracy_of_known_interval),),
            )
        )
    return Section(
        title="Rates",
        table=Table(columns=(f"{result.pictures:,} pictures of {result.people:,} people",), rows=tuple(rows)),
        notes=(*_unknown(result), INTERVALS),
    )


def _unknown(result: ExpressionResult) -> tuple[str, ...]:
    if not result.unknown:
        return ()
    number = sum(sum(result.confusion[name].values()) for name in result.unknown)
    names = ", ".join(result.unknown)
    return (
        f"The network knows {', '.join(result.expressions)}. Not {names}: all {number:,} pictures of that"
        " count as wrong, except in the last row.",
    )


def _confusion(result: ExpressionResult) -> Section:
    answers = columns(result)
    rows = []
    for name, row in result.confusion.items():
        recall = row.get(name, 0) / sum(row.values())
        rows.append(Row(label=name, cells=(*(count(row[answer]) for answer in answers), rate(recall))))
    names = tuple(answer.replace("_", " ") for answer in answers)
    return Section(
        title="Confusion",
        text=("A row an expression of the data, a column an answer.",),
        plots=(Plot(alt="The confusion matrix", draw=partial(draw_confusion, result)),),
        table=Table(columns=(*names, "right"), rows=tuple(rows)),
    )


def _examples(examples: Sequence[Example]) -> tuple[Section, ...]:
    if not examples:
        return ()
    return (
        Section(
            title="Examples",
            text=(
                "Drawn at random, as the head takes them in: right answers with their confidence (blue), then"
                " wrong ones (orange) and those without a value (grey).",
            ),
            plots=(Plot(alt="Faces with their answers", draw=partial(draw_examples, examples)),),
        ),
    )
