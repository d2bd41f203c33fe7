"""Choices of a gallery or of a request."""

from enum import StrEnum


class PersonScore(StrEnum):
    """How the faces of a person make one score."""

    NEAREST = "nearest"
    """The score of the nearest face."""
    FUSED = "fused"
    """The mean of the scores of the nearest face and of the person template, the mean of all faces. With one
    face a person has no template, and both are the same."""


class DuplicateCheck(StrEnum):
    """What an enrolment does with a face that looks like another person of the gallery."""

    OFF = "off"
    """It does not look for one."""
    WARN = "warn"
    """The answer lists the people."""
    REVIEW = "review"
    """So does it here, and each pair of people waits for a decision."""
    REJECT = "reject"
    """Nothing is enrolled."""


class LivenessPolicy(StrEnum):
    """What to do about prints and screens that show a person (`attributes.heads.liveness`)."""

    OFF = "off"
    REPORT = "report"
    """The answer says of each face whether it looks live. Nothing else changes."""
    REJECT = "reject"
    """A face that does not look live, or that cannot be judged, matches nobody and is not enrolled."""


class OnSeveralFaces(StrEnum):
    """What to do with a picture of several faces where one is needed."""

    REJECT = "reject"
    LARGEST = "largest"
    """Take the largest face."""
    SUBJECT = "subject"
    """Take the largest face if it is clearly the picture's subject; otherwise reject the picture."""
