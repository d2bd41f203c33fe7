"""A gallery's change log."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPosition:
    """A point in a gallery's change log. Two databases from one backup may have the same number, but not the
    same token."""

    number: int
    """Of the last change; 0 before the first one."""
    token: UUID
    """Of the same change."""


LOG_START = LogPosition(number=0, token=UUID(int=0))
"""Before the first change of any gallery: an empty index fits every log."""


class ChangeKind(StrEnum):
    ENROL = "enrol"
    DELETE = "delete"
    UPDATE = "update"
    """Metadata, external id or anonymity of an identity changed: indexes ignore it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Change:
    """One row of a gallery's change log, with all that an index needs to apply it: a face, or a person
    template, was enrolled or deleted; or an identity was updated."""

    number: int
    """Counts from 1 without gaps in each gallery, in the order of the commits."""
    token: UUID
    """Drawn at random in the transaction that made the change."""
    kind: ChangeKind
    key: int
    """Of the face or template; of an update, the number of the identity."""
    vector: NDArray[np.float32] | None
    """Of an enrolment; None if the face or template has been deleted since, as a later change says, if the
    model could not embed it, or if it is not in the part of the gallery that was read."""
    owner: int | None
    """Of the face or template, as in `Owners`; None if there is no vector."""
    is_template: bool = False
