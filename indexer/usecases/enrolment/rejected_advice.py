"""What to take off for a better photograph, where the quality gate rejects one."""

from collections.abc import Collection
from dataclasses import replace

from indexer.attributes.reader import AttributeReader
from indexer.attributes.worn import FROM, worn
from indexer.pipeline.pipeline import Photograph
from indexer.request_timings import Stopwatch
from indexer.usecases.enrolment.quality_gate import Rejection


def with_worn(
    rejection: Rejection,
    photograph: Photograph,
    reader: AttributeReader,
    permitted: Collection[str] | None,
    watch: Stopwatch,
) -> Rejection:
    """`rejection` with advice on masks and sunglasses, if it is about the quality of the face, and as far as
    there are heads. It costs a rejected photograph a few milliseconds, and others nothing. `permitted`: by
    the gallery's policy; None: whatever the installation permits. Raises Busy, Abandoned."""
    if "advice" not in rejection.details:
        return rejection
    estimates = reader.read(photograph, reader.usable(FROM, permitted), watch)[0]
    advice = [*(each.value for each in worn(estimates)), *rejection.details["advice"]]
    return replace(rejection, details=rejection.details | {"advice": list(dict.fromkeys(advice))})
