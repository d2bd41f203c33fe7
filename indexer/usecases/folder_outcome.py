"""What became of every file of a folder that was enrolled."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from indexer.attributes.estimate import NO_ESTIMATES, Estimates
from indexer.duplicates.candidate import DuplicateCandidate
from indexer.pipeline.people_folder import SkippedFile


class Outcome(StrEnum):
    ENROLLED = "enrolled"
    KNOWN = "known"
    """Enrolled already, by an earlier run."""
    REJECTED = "rejected"
    """By the quality gate, or because it is no picture."""
    FAILED = "failed"
    """Not the picture's fault; the next run tries it again."""
    SKIPPED = "skipped"
    """Not a picture of a person, by its place or its kind."""
    NOT_REACHED = "not_reached"
    """The run was interrupted before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome:
    path: Path
    """Relative to the folder."""
    person: str | None
    """None for a file that is in no person's folder."""
    outcome: Outcome
    code: str | None = None
    """Why it is not enrolled; stable, for programs."""
    message: str | None = None
    estimates: Estimates = field(default_factory=dict)
    """Of the enrolled face, the attributes that were requested."""


@dataclass(slots=True, kw_only=True)
class FolderOutcome:
    """Each file of the folder is in `files` once."""

    path: Path
    gallery_created: bool = False
    identities_created: int = 0
    files: list[FileOutcome] = field(default_factory=list)
    without_face: list[str] = field(default_factory=list)
    """People whose every picture was tried, and who have no face in the gallery."""
    odd_faces: int = 0
    """Faces of people in this run that do not resemble the other faces of the person."""
    duplicates: dict[str, list[DuplicateCandidate]] = field(default_factory=dict)
    """By person of the folder: other people of the gallery whom the person looks like."""
    interrupted: bool = False
    faces: int | None = None
    """Enrolled by this run, where a picture may have several; None: one of each enrolled picture."""

    def with_outcome(self, outcome: Outcome) -> list[FileOutcome]:
        return [file for file in self.files if file.outcome is outcome]

    def count(self, outcome: Outcome) -> int:
        return len(self.with_outcome(outcome))

    def reasons(self, *outcomes: Outcome) -> Counter[str]:
        """How many files, by code."""
        return Counter(file.code or "" for file in self.files if file.outcome in outcomes)

    def add(
        self,
        path: Path,
        outcome: Outcome,
        code: str | None,
        message: str | None,
        *,
        person: str | None,
        estimates: Estimates = NO_ESTIMATES,
    ) -> None:
        self.files.append(
            FileOutcome(
                path=path.relative_to(self.path),
                person=person,
                outcome=outcome,
                code=code,
                message=message,
                estimates=estimates,
            )
        )

    def add_skipped(self, skipped: SkippedFile) -> None:
        self.add(skipped.path, Outcome.SKIPPED, skipped.code, skipped.message, person=None)
