"""The condition that a person belongs to a part of a gallery, in SQL: as `Part.holds`."""

from sqlalchemy import BigInteger, ColumnElement, bindparam

from indexer.types import Part


def in_part(number: ColumnElement[int]) -> ColumnElement[bool]:
    """`number`: of an identity. The statement gets `part_arguments`."""
    block, shards, shard = (bindparam(name, type_=BigInteger) for name in ("block", "shards", "shard"))
    return number.op("/")(block).op("%")(shards) == shard


def part_arguments(part: Part) -> dict[str, int]:
    return {"block": part.block, "shards": part.shards, "shard": part.shard}
