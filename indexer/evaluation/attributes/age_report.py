"""The report on age and gender, for the terminal and as a page."""

from indexer.evaluation.attributes.age import AgeResult, Errors
from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import Cell, Report, Row, Section, Table, count, facts, rate
from indexer.pages import html as pages

_COLUMNS = (
    "pictures",
    "age estimated",
    "mean absolute error, years",
    "bias, years",
    "in the interval of 95 %",
    "gender estimated",
    "gender right",
)


def report(provenance: Provenance, data: str, result: AgeResult) -> Report:
    silence = Table(
        columns=("age", "gender"),
        rows=tuple(
            Row(
                label=reason.replace("_", " "),
                cells=tuple(rate(result.cannot_tell[name].get(reason, 0.0)) for name in ("age", "gender")),
            )
            for reason in sorted({*result.cannot_tell["age"], *result.cannot_tell["gender"]})
        ),
    )
    return Report(
        title="Age and gender",
        lead="Estimates of the age and the gender of the largest face of each picture, compared with labels.",
        facts=facts(provenance, ["age-gender"], data),
        sections=(
            Section(
                title="Errors",
                table=Table(
                    columns=_COLUMNS,
                    rows=(_row("all", result.all), *(_row(*each) for each in result.groups.items())),
                ),
                notes=(
                    "Errors are of the pictures in which an age, or a gender, was estimated. Where the labels"
                    " give a group of ages, the error is that to its middle. Intervals: 95 %, bootstrap"
                    " by picture.",
                ),
            ),
            Section(
                title="No estimate",
                text=("Shares of all pictures.",),
                table=silence,
            ),
        ),
    )


def _row(label: str, errors: Errors) -> Row:
    return Row(
        label=label,
        cells=(
            count(errors.pictures),
            rate(errors.ages_estimated / errors.pictures),
            _years(errors),
            Cell(text="-" if errors.bias_years is None else f"{errors.bias_years:+.1f}"),
            rate(errors.in_interval),
            rate(errors.genders_estimated / errors.gender_labelled if errors.gender_labelled else None),
            rate(errors.gender_accuracy, errors.gender_accuracy_interval),
        ),
    )


def _years(errors: Errors) -> Cell:
    if errors.mae_years is None:
        return Cell(text=pages.percent(None))
    if errors.mae_interval is None:
        return Cell(text=f"{errors.mae_years:.2f}")
    low, high = errors.mae_interval
    return Cell(text=f"{errors.mae_years:.2f} ({low:.2f} to {high:.2f})")
