"""The threshold of an identification, and what it means."""

from typing import Any

from pydantic import BaseModel, Field

from indexer.calibration.active import Kind
from indexer.calibration.threshold.decision import Decision
from indexer.usecases.answers import rounded_rate


class Threshold(BaseModel):
    """The decision of an answer."""

    threshold: float = Field(description="The least score of a match in this answer", examples=[0.4346])
    fpir: float = Field(
        description="The policy: share of searches for strangers that may give a false alarm",
        examples=[0.001],
    )
    estimated_fpir: float = Field(
        description="Share of searches for strangers that reach the threshold used, among so many faces",
        examples=[0.001],
    )
    estimated_fpir_interval: tuple[float, float] | None = Field(
        description="95 % interval of the estimate. From a model's card: the range over the sets of"
        " photographs that the model was measured on; null if it was one set",
        examples=[[0.0006, 0.0018]],
    )
    fpir_trusted: bool = Field(
        description="Whether the measurements support the estimate; if not, it is an extrapolation"
    )
    calibration: Kind = Field(
        description="Where the threshold comes from: the gallery's own calibration, its model's, or the"
        " figures on the model's card"
    )

    @classmethod
    def fields_of(cls, decision: Decision) -> dict[str, Any]:
        estimate = decision.estimate
        return {
            "threshold": round(decision.threshold, 6),
            "fpir": decision.target,
            "estimated_fpir": rounded_rate(estimate.fpir),
            "estimated_fpir_interval": estimate.interval and tuple(map(rounded_rate, estimate.interval)),
            "fpir_trusted": estimate.trusted,
            "calibration": decision.calibration.kind,
        }
