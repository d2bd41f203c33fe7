"""Token buckets: each fills with `rate` tokens a second up to `capacity`, by PostgreSQL's clock.

One statement fills a bucket and takes from it, under the lock of its row: all processes together take no more
than flowed in. https://en.wikipedia.org/wiki/Token_bucket
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """One bucket and the rule by which it fills."""

    key_id: UUID
    kind: str
    rate: float
    """Tokens a second."""
    capacity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    tokens: int
    """Taken from the bucket."""
    level: float
    """Tokens that are left in it."""


_STATEMENT = text("""
    INSERT INTO token_bucket AS bucket (key_id, kind, tokens, filled_at, granted)
    SELECT :key_id, :kind, level - granted, clock_timestamp(), granted
    FROM (SELECT cast(:capacity AS float8) AS level) AS full_bucket,
         LATERAL (SELECT CASE WHEN :by_force THEN :most
                              ELSE least(:most, floor(level)) END AS granted) AS grants
    ON CONFLICT (key_id, kind) DO UPDATE SET (tokens, filled_at, granted) = (
        SELECT level - granted, at, granted
        FROM (SELECT clock_timestamp() AS at) AS clock,
             LATERAL (SELECT least(cast(:capacity AS float8), bucket.tokens + :rate * greatest(
                 0, cast(extract(epoch FROM at - bucket.filled_at) AS float8))) AS level) AS filled,
             LATERAL (SELECT CASE WHEN :by_force THEN :most
                                  ELSE greatest(0, least(:most, floor(level))) END AS granted) AS grants)
    RETURNING granted, tokens
""")


def take(session: Session, bucket: Bucket, most: int) -> Portion:
    """Takes up to `most` whole tokens, and none where there is not a whole one."""
    return _run(session, bucket, most, by_force=False)


def charge(session: Session, bucket: Bucket, amount: int) -> Portion:
    """Takes `amount`, whatever is left: the level may become negative."""
    return _run(session, bucket, amount, by_force=True)


def _run(session: Session, bucket: Bucket, most: int, *, by_force: bool) -> Portion:
    granted, tokens = session.execute(
        _STATEMENT,
        {
            "key_id": bucket.key_id,
            "kind": bucket.kind,
            "rate": float(bucket.rate),
            "capacity": float(bucket.capacity),
            "most": float(most),
            "by_force": by_force,
        },
    ).one()
    return Portion(tokens=int(granted), level=tokens)
