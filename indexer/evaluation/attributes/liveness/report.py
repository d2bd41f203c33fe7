"""The report of liveness."""

from collections.abc import Sequence
from functools import partial

from indexer.evaluation.attributes.liveness.answers import Answer
from indexer.evaluation.attributes.liveness.rates import KindRates, LivenessRates
from indexer.evaluation.attributes.liveness.sheet import Tile, draw_sheet
from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import Cell, Plot, Report, Row, Section, Table, count, facts, rate

INTERVALS = (
    "Intervals: 95 %, bootstrap by picture; attacks made from one picture are drawn together. Pictures of one"
    " person resemble each other: where a folder has few people, the intervals are too narrow."
)
ABSENT = (
    "Without an answer: no face was found, or the head cannot tell. The rates count it as the policy reject"
    " treats it: as an error for a person, and as none for an attack."
)
SYNTHETIC = "Attacks named synthetic were computed from the pictures of people: no printer, screen or camera."


def report(
    provenance: Provenance,
    data: str,
    results: Sequence[LivenessRates],
    tiles: Sequence[tuple[str, list[Tile]]],
) -> Report:
    """`results`: the head's own first. `tiles`: the worst pictures, with a title for each sheet."""
    head = results[0]
    attacks = sum(kind.presentations for kind in head.attacks.values())
    return Report(
        title="Liveness",
        lead="Presentation attack detection of single pictures, in the terms of ISO/IEC 30107-3: APCER is the"
        " share of attacks of a kind that are taken for a person, BPCER the share of people who are taken for"
        " an attack, and ACER the mean of BPCER and of the highest APCER.",
        facts=facts(
            provenance,
            ("liveness",),
            data,
            ("Presentations", f"{head.bona_fide.presentations:,} of people, {attacks:,} attacks"),
            ("Threshold", f"{head.threshold:g}, the lowest probability of a person"),
            ("ACER", acer_in_words(head)),
        ),
        sections=(
            Section(
                title="By kind",
                table=Table(
                    columns=("presentations", "without an answer", "error", "error of those with an answer"),
                    rows=(
                        kind_row("people (BPCER)", head.bona_fide),
                        *(
                            kind_row(f"{name.replace('_', ' ')} (APCER)", kind)
                            for name, kind in head.attacks.items()
                        ),
                    ),
                ),
                notes=(ABSENT, INTERVALS, *notes_on(head)),
            ),
            Section(
                title="The head and its networks",
                table=Table(
                    columns=("BPCER", "highest APCER", "of", "ACER", "AUC"),
                    rows=tuple(map(summary_row, results)),
                ),
                notes=(
                    "The networks by themselves, each at the same threshold of its own probability. AUC: how"
                    " often a person's picture scores higher than an attack.",
                ),
            ),
            *(
                Section(title=title, plots=(Plot(alt=title, draw=partial(draw_sheet, sheet)),))
                for title, sheet in tiles
                if sheet
            ),
        ),
    )


def worst(answers: Sequence[Answer], *, attacks: bool, detector: str, most: int) -> list[Answer]:
    """People with the lowest scores, or attacks with the highest."""
    with_answer = [one for one in answers if one.presentation.is_attack == attacks and detector in one.scores]
    return sorted(with_answer, key=lambda one: one.scores[detector], reverse=attacks)[:most]


def kind_row(label: str, kind: KindRates) -> Row:
    reasons = ", ".join(
        f"{reason.replace('_', ' ')}: {number:,}" for reason, number in kind.unanswered.items()
    )
    return Row(
        label=label,
        note=reasons,
        cells=(
            count(kind.presentations),
            count(sum(kind.unanswered.values())),
            rate(kind.error, kind.error_interval),
            rate(kind.error_of_answered),
        ),
    )


def summary_row(result: LivenessRates) -> Row:
    return Row(
        label="together" if result.detector == "live" else result.detector.replace("_", " "),
        cells=(
            rate(result.bpcer, result.bpcer_interval),
            rate(result.apcer[result.worst_attack], result.apcer_intervals[result.worst_attack]),
            Cell(text=result.worst_attack),
            rate(result.acer, result.acer_interval),
            Cell(text="not measurable" if result.auc is None else f"{result.auc:.4f}"),
        ),
    )


def acer_in_words(head: LivenessRates) -> str:
    bounds = head.acer_interval
    return f"{head.acer:.2%}" + (f" ({bounds[0]:.2%} to {bounds[1]:.2%})" if bounds else "")


def notes_on(head: LivenessRates) -> tuple[str, ...]:
    return (SYNTHETIC,) if any(name.startswith("synthetic_") for name in head.attacks) else ()
