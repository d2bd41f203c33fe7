"""Draws movements at random for a token, and redeems the token once."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from indexer.callers import current_caller
from indexer.liveness.movements import OF_THE_HEAD, Movement
from indexer.records import liveness_challenges
from indexer.records.database.session import Database

LIFETIME = timedelta(seconds=60)
MIN_MOVEMENTS, DEFAULT_MOVEMENTS, MAX_MOVEMENTS = 2, 3, 5
_TOKEN_BYTES = 32
_random = secrets.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    token: str
    """256 random bits. Only its hash is stored."""
    movements: list[Movement]
    expires_at: datetime


def draw(
    database: Database, count: int = DEFAULT_MOVEMENTS, among: Sequence[Movement] = OF_THE_HEAD
) -> Challenge:
    """For the current caller: a token of one API key is unknown to another. `count`: of the movements.
    `among`: those that can be measured here.

    Raises DatabaseUnavailable, Busy."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    movements = draw_movements(count, among)
    with database.transaction() as session:
        expires_at = liveness_challenges.add(
            session,
            token_hash=_hash(token),
            key_id=current_caller.get().key_id,
            movements=movements,
            lifetime=LIFETIME,
        )
    return Challenge(token=token, movements=movements, expires_at=expires_at)


def draw_movements(count: int, among: Sequence[Movement] = OF_THE_HEAD) -> list[Movement]:
    """No two alike follow each other: of 3 movements among 5 there are 80 orders, among 6 150, each as
    likely."""
    drawn: list[Movement] = []
    for _ in range(count):
        drawn.append(_random.choice([each for each in among if drawn[-1:] != [each]]))
    return drawn


def redeem(database: Database, token: str) -> list[Movement]:
    """The movements of the token, which is used from now on. Of two at once, one redeems it.

    Raises ChallengeNotFound, ChallengeExpired, ChallengeUsed, DatabaseUnavailable, Busy."""
    with database.transaction() as session:
        names = liveness_challenges.use(session, _hash(token), key_id=current_caller.get().key_id)
    return [Movement(name) for name in names]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
