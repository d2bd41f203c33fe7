"""A gallery's rows as the files of an export."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from indexer.records.tables import DistinctPeople, Identity
from indexer.transfer.archive.manifest import File

Files = list[tuple[File, bytes]]


def identities(number: int, rows: Sequence[Identity]) -> Files:
    lines = (
        {
            "id": str(row.id),
            "external_id": row.external_id,
            "name": row.name,
            "metadata": row.details,
            "anonymous": row.anonymous,
            "hidden": row.hidden,
            "last_seen_at": row.last_seen_at and _time(row.last_seen_at),
            "created_at": _time(row.created_at),
            "updated_at": _time(row.updated_at),
        }
        for row in rows
    )
    return [_file(f"identities-{number:06}.ndjson", _ndjson(lines), len(rows))]


def distinct_people(number: int, rows: Sequence[DistinctPeople]) -> Files:
    lines = (
        {
            "identity_id": str(row.lower_id),
            "other_id": str(row.higher_id),
            "created_at": _time(row.created_at),
        }
        for row in rows
    )
    return [_file(f"distinct-{number:06}.ndjson", _ndjson(lines), len(rows))]


def faces(number: int, rows: Sequence[Any], dimension: int) -> Files:
    """`rows`: as `records.transfer.read.faces` gives them. No file of crops where no face has one."""
    crops: list[bytes] = []
    offset = 0
    lines = []
    for row in rows:
        place = None
        if row.crop is not None:
            crops.append(bytes(row.crop))
            place = {"offset": offset, "bytes": len(crops[-1]), "landmarks": row.crop_landmarks}
            offset += len(crops[-1])
        lines.append(
            {
                "id": str(row.id),
                "identity_id": str(row.identity_id),
                "box": row.box,
                "landmarks": row.landmarks,
                "confidence": row.confidence,
                "quality": row.quality,
                "quality_components": row.quality_components,
                "image_sha256": bytes(row.image_sha256).hex(),
                "created_at": _time(row.created_at),
                "problem": row.problem,
                "crop": place,
            }
        )
    nothing = bytes(4 * dimension)
    vectors = b"".join(nothing if row.vector is None else row.vector for row in rows)
    files = [
        _file(f"faces-{number:06}.ndjson", _ndjson(lines), len(rows)),
        _file(f"vectors-{number:06}.f32", vectors, len(rows)),
    ]
    if crops:
        files.append(_file(f"crops-{number:06}.bin", b"".join(crops), len(crops)))
    return files


def _file(name: str, data: bytes, rows: int) -> tuple[File, bytes]:
    file = File(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest(), rows=rows)
    return file, data


def _ndjson(lines: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n" for line in lines
    ).encode()


def _time(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()
