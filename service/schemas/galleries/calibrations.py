"""The calibration of a gallery as data, and previews of policies."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from indexer.calibration import preview as previews
from indexer.calibration.active import Kind
from indexer.calibration.threshold import misses
from indexer.calibration.threshold.curve import Estimate
from indexer.records.tables import Calibration as Stored
from indexer.usecases.answers import MODEL_EXAMPLE, rounded_rate
from service.schemas.galleries.galleries import Identification

Range = tuple[float, float]


class Misses(BaseModel):
    """Searches for enrolled people that stay below a threshold."""

    rate: float = Field(description="The expected share of misses", examples=[0.031])
    interval: Range = Field(
        description="95 % interval; from a card: between the quantiles of the score that the card has",
        examples=[[0.02, 0.048]],
    )
    source: Literal["gallery", "card"] = Field(
        description="`gallery`: measured on the gallery's own people who have several faces, each face"
        " against the person's others; `card`: on pairs of public photographs of the same person, one to one"
    )
    people: int | None = Field(description="People that it was measured on; null for a card", examples=[412])

    @classmethod
    def of(cls, found: misses.Misses | None) -> "Misses | None":
        if found is None:
            return None
        low, high = found.interval
        return cls(
            rate=rounded_rate(found.rate),
            interval=(rounded_rate(low), rounded_rate(high)),
            source=found.source,
            people=found.people,
        )


class PolicyPreview(Identification):
    """The threshold that a policy would give, and what it would mean."""

    faces: int = Field(description="The gallery size that it is for", examples=[1000])
    supported: bool = Field(
        description="Whether the calibration supports the policy at this size; if not, it cannot be set"
    )
    least_supported_fpir: float | None = Field(
        description="The lowest FPIR that the calibration supports at this size; null if it supports none",
        examples=[0.0005],
    )
    people_needed: int = Field(
        description="About how many people a calibration needs to support the policy at this size",
        examples=[2450],
    )
    misses: Misses | None = Field(
        description="Expected misses at the threshold; null where nothing was measured"
    )

    @classmethod
    def of_preview(cls, found: previews.Preview) -> "PolicyPreview":
        return cls(
            **cls.fields_of(found.decision),
            supported_up_to_faces=found.most_faces,
            faces=found.faces,
            supported=found.decision.target >= found.least_fpir * (1 - 1e-6),
            least_supported_fpir=rounded_rate(found.least_fpir) if found.least_fpir < 1 else None,
            people_needed=found.people_needed,
            misses=Misses.of(found.misses),
        )


class Rate(BaseModel):
    rate: float = Field(description="Share that reaches the score", examples=[0.001])
    interval: Range | None = Field(
        description="95 % interval; from a card the range over sets of photographs, null if it was one set",
        examples=[[0.0006, 0.0018]],
    )
    trusted: bool = Field(description="Whether the measurement supports it; if not, it is an extrapolation")

    @classmethod
    def of(cls, found: Estimate) -> "Rate":
        return cls(
            rate=rounded_rate(found.fpir),
            interval=found.interval and (rounded_rate(found.interval[0]), rounded_rate(found.interval[1])),
            trusted=found.trusted,
        )


class CurvePoint(BaseModel):
    """The rates at a score."""

    score: float = Field(description="Cosine similarity", examples=[0.4])
    fmr: Rate = Field(description="Of comparisons of two different people, one to one")
    fpir: Rate = Field(description="Of searches for strangers among the gallery's faces")
    misses: Misses | None = Field(
        description="Of searches for enrolled people, the share below the score; null where not measured"
    )

    @classmethod
    def of(cls, point: previews.Point) -> "CurvePoint":
        return cls(
            score=round(point.score, 5),
            fmr=Rate.of(point.fmr),
            fpir=Rate.of(point.fpir),
            misses=Misses.of(point.misses),
        )


class ThresholdAtSize(BaseModel):
    faces: int = Field(description="Gallery size", examples=[10_000])
    threshold: float = Field(description="Threshold of the gallery's policy at this size", examples=[0.47])
    supported: bool = Field(description="Whether the calibration supports the policy at this size")

    @classmethod
    def of(cls, at: previews.Growth) -> "ThresholdAtSize":
        return cls(faces=at.faces, threshold=round(at.threshold, 6), supported=at.supported)


class Measured(BaseModel):
    """What the calibration was measured on."""

    id: UUID | None = Field(description="Id of the calibration; null for a model's card")
    at: datetime | None = Field(description="Time of the measurement; null for a model's card")
    on: Literal["gallery", "photographs", "pairs", "card"] = Field(
        description="The gallery's own people, photographs of people, scores of pairs, or public sets of"
        " photographs, as the model's card says"
    )
    people: int | None = Field(
        description="People it was measured on; null where they are unknown", examples=[1200]
    )
    comparisons: int | None = Field(
        description="Comparisons of different people; null for a card", examples=[719_400]
    )
    people_with_several_faces: int | None = Field(
        description="People that misses were measured on; null where they were not measured", examples=[412]
    )
    suspected_duplicates: int | None = Field(
        description="Pairs of people that were left out because they seem to be one person; null for a card",
        examples=[0],
    )

    @classmethod
    def of(cls, stored: Stored | None) -> "Measured":
        if stored is None:
            return cls(
                id=None,
                at=None,
                on="card",
                people=None,
                comparisons=None,
                people_with_several_faces=None,
                suspected_duplicates=None,
            )
        parameters = stored.parameters
        return cls(
            id=stored.id,
            at=stored.created_at,
            on=stored.source,
            people=parameters.get("identities") or None,
            comparisons=parameters.get("comparisons"),
            people_with_several_faces=(parameters.get("mated") or {}).get("people"),
            suspected_duplicates=parameters.get("suspected"),
        )


class GalleryCalibration(BaseModel):
    """The active calibration of a gallery, ready to be drawn."""

    gallery: str = Field(description="Name of the gallery", examples=["staff"])
    model: str = Field(description="Fingerprint of the gallery's model", examples=[MODEL_EXAMPLE])
    calibration: Kind = Field(
        description="Whose calibration it is: the gallery's own, its model's, or the figures on the model's"
        " card"
    )
    measured: Measured = Field(description="Data and time of the measurement")
    faces: int = Field(description="Number of enrolled faces", examples=[1000])
    policy: PolicyPreview = Field(description="The gallery's present policy")
    curve: list[CurvePoint] = Field(description="Rates by rising score")
    growth: list[ThresholdAtSize] = Field(description="The policy's threshold as the gallery grows")
    policies: list[PolicyPreview] = Field(
        description="What other policies would mean, from 1 false alarm in 10 searches for strangers to 1 in"
        " 500,000, at the gallery size `faces` of the request, by default the number of enrolled faces"
    )
