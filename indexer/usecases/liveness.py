"""The policy of liveness: what becomes of a face that may be a print or a screen.

Under `reject` a face without an answer is treated like an attack: otherwise an attacker would only have to
send a small or a blurred picture.
"""

from collections.abc import Collection

from indexer.attributes.estimate import CannotTell, Estimate, Estimates
from indexer.attributes.heads.liveness.decision import LIVE
from indexer.attributes.reader import AttributeReader
from indexer.types import Attribute, LivenessPolicy
from indexer.usecases.enrolment.quality_gate import Rejection
from indexer.usecases.searches.match_limits import UnmatchedReason

_MESSAGES = {
    UnmatchedReason.NOT_LIVE: "the face looks like a print or a screen, not like a person",
    UnmatchedReason.LIVENESS_UNCLEAR: "whether this is a person or a print cannot be decided",
}


def check(reader: AttributeReader, policy: str) -> None:
    """Whether the policy can be carried out here. Raises AttributeNotPermitted, AttributeUnavailable."""
    if policy != LivenessPolicy.OFF:
        reader.check([Attribute.LIVENESS])


def to_estimate(attributes: Collection[Attribute], policy: str) -> tuple[Attribute, ...]:
    """Those that the request asks for, and those that the policy needs."""
    needed = () if policy == LivenessPolicy.OFF else (Attribute.LIVENESS,)
    return tuple(dict.fromkeys((*attributes, *needed)))


def reason_against(policy: str, estimates: Estimates) -> UnmatchedReason | None:
    """Why the policy lets a face match nobody; None: it may match."""
    if policy != LivenessPolicy.REJECT:
        return None
    estimate = estimates.get(Attribute.LIVENESS)  # none of a face beyond the installation's limit
    if estimate is None or estimate.value is None:
        return UnmatchedReason.LIVENESS_UNCLEAR
    return None if estimate.value == LIVE else UnmatchedReason.NOT_LIVE


def verdict(policy: str, estimates: Estimates) -> str | None:
    """For the audit record, under a policy: `live`, `attack` or `cannot_tell`; None: there is no policy."""
    if policy == LivenessPolicy.OFF:
        return None
    estimate = estimates.get(Attribute.LIVENESS)
    return "cannot_tell" if estimate is None or estimate.value is None else str(estimate.value)


def recorded(policy: str, estimates: Estimates) -> dict[str, str]:
    """The verdict as details of an event; empty without a policy."""
    found = verdict(policy, estimates)
    return {} if found is None else {"liveness": found}


def rejection(policy: str, estimates: Estimates) -> Rejection | None:
    """Why the policy lets a face not be enrolled; None: it may be."""
    reason = reason_against(policy, estimates)
    if reason is None:
        return None
    estimate = estimates.get(Attribute.LIVENESS, Estimate.nothing(CannotTell.UNDECIDED))
    why = "" if estimate.cannot_tell is None else f": {estimate.cannot_tell.value.replace('_', ' ')}"
    details = {} if estimate.confidence is None else {"confidence": round(estimate.confidence, 4)}
    return Rejection(code=reason.value, message=_MESSAGES[reason] + why, details=details)
