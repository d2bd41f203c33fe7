"""The running check of a gallery: whether its promised false positive rate is kept."""

from pydantic import BaseModel, Field

from indexer.calibration.check import verdict as check
from indexer.records.search_counts import SearchCounts


class Finding(BaseModel):
    """Searches in which somebody other than the probe's person was compared."""

    verdict: check.Verdict = Field(
        description="Of these searches alone, as for the whole check", examples=["kept"]
    )
    searches: int = Field(description="Counted searches", examples=[1234])
    reached: int = Field(
        description="Searches in which another person reached the score of an FPIR of 10 %", examples=[118]
    )
    expected: float = Field(description="The number expected by the calibration", examples=[123.4])
    limit: float = Field(description="More than this is not chance", examples=[171.2])

    @classmethod
    def of(cls, finding: check.Finding) -> "Finding":
        return cls(
            verdict=finding.verdict,
            searches=finding.searches,
            reached=finding.reached,
            expected=round(finding.expected, 1),
            limit=round(finding.limit, 1),
        )


class FpirCheck(BaseModel):
    """The last searches of a gallery, of all processes: of at most 28 days, about 10,000 searches."""

    verdict: check.Verdict = Field(
        description="`exceeded`: more false alarms than promised, which is not chance; `kept`: nothing speaks"
        " against the promise; `too_few`: too few searches, or they find too few people"
    )
    warning: str | None = Field(description="What was exceeded, and what to do; null if nothing was")
    searches: int = Field(description="Faces that were searched for by the policy", examples=[2345])
    matched: int = Field(description="Those that matched somebody", examples=[1250])
    expected_false_alarms: float = Field(
        description="How many would match by mistake if all searches were for strangers", examples=[23.4]
    )
    duplicates: int = Field(
        description="Matched searches whose second person is as similar as the same person: somebody may be"
        " enrolled twice",
        examples=[16],
    )
    among_matched: Finding = Field(description="Searches that matched, by their second person")
    among_unmatched: Finding = Field(description="Searches that matched nobody, by their first person")

    @classmethod
    def of(cls, counts: SearchCounts) -> "FpirCheck":
        judged = check.judge(counts)
        return cls(
            verdict=judged.verdict,
            warning=judged.warning,
            searches=judged.searches,
            matched=judged.matched,
            expected_false_alarms=round(judged.expected_false_alarms, 2),
            duplicates=judged.duplicates,
            among_matched=Finding.of(judged.among_matched),
            among_unmatched=Finding.of(judged.among_unmatched),
        )
