"""The report of liveness of bursts."""

from collections.abc import Sequence

from indexer.evaluation.attributes.liveness.answers import Answer
from indexer.evaluation.attributes.liveness.rates import LivenessRates
from indexer.evaluation.attributes.liveness.report import acer_in_words, kind_row, notes_on, summary_row
from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import Report, Section, Table, facts

ABSENT = (
    "Without an answer: the verdict is cannot_tell. Only the verdict live lets anybody in, so that it is an"
    " error for a person, and none for an attack. No challenge was drawn: the movements are those that the"
    " frames happen to show."
)
INTERVALS = (
    "Intervals: 95 %, bootstrap by burst. Bursts that were cut from one sequence resemble each other: where"
    " there are few sequences, the intervals are too narrow."
)
COMPUTED = (
    "A computed print is one picture of the burst, held in other ways; a computed screen plays all frames of"
    " the burst at one place."
)


def burst_report(
    provenance: Provenance, data: str, results: Sequence[LivenessRates], answers: Sequence[Answer]
) -> Report:
    """`results`: the verdict's first."""
    verdict = results[0]
    people = verdict.bona_fide.presentations
    notes = notes_on(verdict)
    return Report(
        title="Liveness of bursts",
        lead="Presentation attack detection of short bursts of frames, in the terms of ISO/IEC 30107-3:"
        " APCER is the share of attacks of a kind that are taken for a person, BPCER the share of people who"
        " are not let in, and ACER the mean of BPCER and of the highest APCER.",
        facts=facts(
            provenance,
            ("liveness",),
            data,
            ("Bursts", f"{people:,} of people, {len(answers) - people:,} attacks"),
            ("ACER", acer_in_words(verdict)),
        ),
        sections=(
            Section(
                title="By kind",
                table=Table(
                    columns=("bursts", "cannot tell", "error", "error of those with an answer"),
                    rows=(
                        kind_row("people (BPCER)", verdict.bona_fide),
                        *(
                            kind_row(f"{name.replace('_', ' ')} (APCER)", kind)
                            for name, kind in verdict.attacks.items()
                        ),
                    ),
                ),
                notes=(ABSENT, INTERVALS, *notes, *((COMPUTED,) if notes else ())),
            ),
            Section(
                title="The verdict, and the frames alone",
                table=Table(
                    columns=("BPCER", "highest APCER", "of", "ACER", "AUC"),
                    rows=tuple(map(summary_row, results)),
                ),
                notes=(
                    "The mean of the frames and the first frame count as a person from a probability of 0.5,"
                    " whatever else speaks against the burst.",
                ),
            ),
        ),
    )
