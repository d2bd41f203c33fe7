"""Weights of the default model, and the optional networks."""

from collections.abc import Iterator

from indexer.doctor.finding import Finding, ok
from indexer.errors import GemelError
from indexer.inference.load import ProcessorLoad
from indexer.settings import Settings
from indexer.types import Attribute, needed_for
from indexer.usecases.bootstrap import check_weights, default_card, open_attributes
from indexer.weights.locate import is_present
from indexer.weights.published import LIGHTQNET
from indexer.weights.store import WeightStore

CHECK = "weights"


def check(settings: Settings) -> Iterator[Finding]:
    """Whether the files are there. Their digests are verified at each start."""
    try:
        card = default_card(settings)
        check_weights(card, settings)
    except GemelError as error:
        yield Finding(
            check=CHECK,
            level="problem",
            code=error.code,
            text=f"The default model cannot be used: {error.message}.",
            advice="Fetch its weights with `gemel models fetch`, or correct GEMEL_MODEL.",
        )
        return
    yield ok(CHECK, f"The weights of {card.name} are on this machine.")
    if not is_present(LIGHTQNET, WeightStore.of(settings)):
        limited = settings.max_match_miss_rate < 1
        yield Finding(
            check=CHECK,
            level="warning" if limited else "info",
            code="quality_network_missing",
            text="Without the quality network `lightqnet`, answers do not give the miss rate of a face"
            + (", and GEMEL_MAX_MATCH_MISS_RATE has no effect." if limited else "."),
            advice="Run `gemel models fetch lightqnet`.",
        )
    yield from _attributes(settings)


def _attributes(settings: Settings) -> Iterator[Finding]:
    try:
        reader = open_attributes(settings, ProcessorLoad())
    except GemelError as error:
        yield Finding(
            check=CHECK,
            level="problem",
            code="expression_head_unusable",
            text=f"No server can start: GEMEL_EXPRESSION_HEAD: {error.message}.",
            advice="Correct GEMEL_EXPRESSION_HEAD, or remove it to use the published network.",
        )
        return
    if settings.expression_head is not None and not reader.is_permitted(Attribute.EXPRESSION):
        yield Finding(
            check=CHECK,
            level="warning",
            code="expression_head_unused",
            text="GEMEL_EXPRESSION_HEAD has no effect, since GEMEL_ATTRIBUTES does not permit `expression`.",
            advice="Add `expression` to GEMEL_ATTRIBUTES, or remove GEMEL_EXPRESSION_HEAD.",
        )
    without = [each for each in sorted(settings.permitted_attributes) if not reader.is_permitted(each)]
    if without:
        sources = {needed for each in without for needed in needed_for(each)}
        absent = ", ".join(sorted(sources - settings.permitted_attributes))
        yield Finding(
            check=CHECK,
            level="warning",
            code="attributes_without_source",
            text=f"Requests cannot ask for {', '.join(without)}, which is estimated from {absent}:"
            f" GEMEL_ATTRIBUTES does not permit {absent}.",
            advice=f"Add {absent} to GEMEL_ATTRIBUTES, or take {', '.join(without)} out of it.",
        )
    missing = {
        attribute.value: networks
        for attribute in Attribute
        if reader.is_permitted(attribute) and (networks := reader.missing(attribute))
    }
    if missing:
        names = dict.fromkeys(name for networks in missing.values() for name in networks)
        yield Finding(
            check=CHECK,
            level="info",
            code="attributes_unavailable",
            text="Permitted attributes that cannot be estimated, since their networks are not on this"
            f" machine: {', '.join(missing)}.",
            advice=f"If you need them, run `gemel models fetch {' '.join(names)}`; otherwise take them out of"
            " GEMEL_ATTRIBUTES.",
        )
