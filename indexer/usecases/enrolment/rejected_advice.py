"""What to take off, and whether to open the eyes, where the quality gate rejects a photograph."""

from collections.abc import Collection
from dataclasses import replace

from indexer.attributes.advised import FROM, advised
from indexer.attributes.reader import AttributeReader
from indexer.pipeline.pipeline import Photograph
from indexer.request_timings import Stopwatch
from indexer.usecases.enrolment.quality_gate import Rejection


def with_advice(
    rejection: Rejection,
    photograph: Photograph,
    reader: AttributeReader,
    permitted: Collection[str] | None,
    watch: Stopwatch,
) -> Rejection:
    """`rejection` with advice on masks, sunglasses and closed eyes, if it is about the quality of the face,
    and as far as there are heads with undamaged weights. It costs a rejected photograph a few milliseconds,
    and others nothing. `permitted`: by the gallery's policy; None: whatever the installation permits. Raises
    Busy, Abandoned."""
    if "advice" not in rejection.details:
        return rejection
    estimates = reader.read(photograph, reader.usable(FROM, permitted), watch, permitted)[0]
    advice = [*(each.value for each in advised(estimates)), *rejection.details["advice"]]
    return replace(rejection, details=rejection.details | {"advice": list(dict.fromkeys(advice))})
