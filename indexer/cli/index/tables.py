"""Tables and JSON of `gemel index`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from indexer.cli.output import console, escape_text, out, quantity

if TYPE_CHECKING:
    from indexer.records.tables import Gallery, Process, Replica, ShardSet
    from indexer.replica.status import GalleryStatus, SnapshotStatus
    from indexer.replica.verification import Proof, ShardsProof, Verification

NAMED = 20
"""Most face keys that are printed of each kind of difference. JSON has all."""


def status(status: "GalleryStatus", snapshots: "Sequence[SnapshotStatus]") -> dict[str, Any]:
    gallery = status.gallery
    return {
        "gallery": gallery.name,
        "faces": gallery.face_count,
        "change_number": gallery.change_number,
        "rebuild_number": gallery.rebuild_number,
        "tier": gallery.index_tier,
        "shard_sets": [_shard_set(one) for one in status.shard_sets],
        "replicas": [_replica(status, process, replica) for process, replica in status.replicas],
        "snapshots": [_snapshot(gallery, snapshot) for snapshot in snapshots],
    }


def print_status(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        out.print("There are no galleries.")
        return
    figures = [Column(name, justify="right") for name in ("Faces", "Lag", "Deleted", "MB", "Recall")]
    table = Table(Column("Gallery and index", overflow="fold"), "State", "Tier", *figures)
    for row in rows:
        table.add_row(f"[bold]{row['gallery']}[/]", f"change {row['change_number']}", "", f"{row['faces']:,}")
        if not row["replicas"] and not row["snapshots"]:
            table.add_row("  [dim]no index yet[/]")
        for one in row["shard_sets"]:
            copies = quantity(one["copies"], "copy", "copies")
            table.add_row(f"  {quantity(one['shards'], 'shard')}, {copies} of each", one["state"])
        for replica in sorted(row["replicas"], key=_in_order):
            where = f"{replica['host']}, process {replica['pid']}"
            state = "retired" if replica["shard_set_state"] == "retired" else replica["state"]
            _add_row(table, where + _of_shard(replica), state, replica)
        for snapshot in row["snapshots"]:
            state = "unusable" if snapshot["lag"] is None else "on disk"
            _add_row(table, f"snapshot …{snapshot['snapshot'][-4:]}{_of_shard(snapshot)}", state, snapshot)
    out.print(table)


def verified(name: str, model: str, result: "Verification") -> dict[str, Any]:
    return (
        {"gallery": name, "model": model}
        | _proof(result)
        | {
            "people_without_template": result.people_without_template,
            "leftover_templates": result.leftover_templates,
            "shard_sets": [
                _shard_set(one.shard_set)
                | {"clean": one.clean, "adds_up": one.adds_up, "parts": [_proof(part) for part in one.shards]}
                for one in result.sets
            ],
            "replicas": [asdict(replica) for replica in result.replicas],
        }
    )


def _proof(proof: "Proof") -> dict[str, Any]:
    return {
        "shard": None if proof.part is None else proof.part.shard,
        "clean": proof.clean,
        "snapshot": proof.snapshot,
        "applied": proof.applied,
        "count": proof.count,
        "templates": proof.templates,
        "digest": proof.digest,
        "index_digest": proof.index_digest,
        "missing": proof.difference.missing,
        "surplus": proof.difference.surplus,
        "changed": proof.difference.changed,
        "damaged": proof.damaged,
        "foreign": proof.foreign,
    }


def print_verified(name: str, model: str, result: "Verification") -> None:
    snapshot = f"snapshot {result.snapshot}" if result.snapshot else "no snapshot on this machine"
    verdict = "[green]equal to PostgreSQL[/]" if result.clean else "[red]differs from PostgreSQL[/]"
    templates = f" and {quantity(result.templates, 'person template')}" if result.templates else ""
    figures = f"{quantity(result.count, 'face')}{templates}, model {model}, {snapshot}"
    out.print(f"{escape_text(name)}: {verdict}; {figures}", highlight=False, soft_wrap=True)
    if result.people_without_template:
        lacking = quantity(result.people_without_template, "person", "people")
        console.print(
            f"  {lacking} with several faces have no template: run"
            f" `gemel gallery set {escape_text(name)} --person-score fused`",
            highlight=False,
            soft_wrap=True,
        )
    if result.leftover_templates:
        console.print(
            f"  {quantity(result.leftover_templates, 'person template')} should not be there: run"
            f" `gemel gallery set {escape_text(name)} --person-score nearest`",
            highlight=False,
            soft_wrap=True,
        )
    for replica in result.replicas:
        verdicts = {
            True: "equal",
            False: "[red]differs[/]",
            None: f"not compared, at change {replica.applied}",
        }
        shard = "" if replica.shard is None else f", shard {replica.shard}"
        where = f"{escape_text(replica.host)}, process {replica.pid}{shard}"
        out.print(f"  {where}: {verdicts[replica.equal]}", highlight=False, soft_wrap=True)
    _print_differences(result)
    for one in result.sets:
        _print_shards(one)


def _print_differences(proof: "Proof") -> None:
    for problem in [*proof.damaged, *proof.foreign]:
        console.print(f"  {escape_text(problem)}", highlight=False, soft_wrap=True)
    for kind in ("missing", "surplus", "changed"):
        keys: list[int] = getattr(proof.difference, kind)
        if keys:
            more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
            listed = ", ".join(map(str, keys[:NAMED]))
            console.print(f"  {kind}: faces {listed}{more}", highlight=False, soft_wrap=True)


def _print_shards(proof: "ShardsProof") -> None:
    shards = quantity(len(proof.shards), "shard")
    verdict = "add up to" if proof.adds_up else "[red]do not add up to[/]"
    state = proof.shard_set.state
    out.print(f"  {shards} ({state}): the digests {verdict} the gallery's", highlight=False, soft_wrap=True)
    for shard in proof.shards:
        assert shard.part is not None
        verdict = "equal to PostgreSQL" if shard.clean else "[red]differs from PostgreSQL[/]"
        snapshot = f"snapshot {shard.snapshot}: {verdict}" if shard.snapshot else "no snapshot here"
        figures = f"{quantity(shard.count, 'face')}, {snapshot}"
        out.print(f"  shard {shard.part.shard}: {figures}", highlight=False, soft_wrap=True)
        _print_differences(shard)


def _replica(status: "GalleryStatus", process: "Process", replica: "Replica") -> dict[str, Any]:
    return {
        "host": process.host,
        "pid": process.pid,
        "shard": replica.shard,
        "shards": replica.shards,
        "shard_set": None if process.shard_set_id is None else str(process.shard_set_id),
        "shard_set_state": _state_of_set(status, process),
        "state": replica.state,
        "problem": replica.problem,
        "model": replica.model,
        "tier": replica.tier,
        "snapshot": replica.snapshot,
        "applied": replica.applied,
        "lag": status.lag(replica),
        "count": replica.count,
        "tombstones": replica.tombstones,
        "memory_bytes": replica.memory_bytes,
        "digest": replica.digest,
    }


def _state_of_set(status: "GalleryStatus", process: "Process") -> str | None:
    """Of the set whose shard the process holds. Retired ones are stopped half a minute later."""
    if process.shard_set_id is None:
        return None
    states = {one.id: one.state for one in status.shard_sets}
    return states.get(process.shard_set_id, "retired")


def _snapshot(gallery: "Gallery", status: "SnapshotStatus") -> dict[str, Any]:
    manifest = status.manifest
    shard, shards = (None, None) if status.part is None else (status.part.shard, status.part.shards)
    which = {"snapshot": status.name, "shard": shard, "shards": shards}
    if manifest is None:
        return which | {"problem": status.problem, "lag": None}
    recall = manifest.recall
    return which | {
        "problem": status.problem or manifest.rejected,
        "model": manifest.model,
        "tier": manifest.tier,
        "target": manifest.target,
        "recall": None if recall is None else recall.overall,
        "recall_above_threshold": None if recall is None else recall.above_threshold,
        "rebuild_number": manifest.rebuild_number,
        "applied": manifest.applied,
        "lag": None if status.problem else gallery.change_number - manifest.applied,
        "count": manifest.count,
        "digest": manifest.digest,
    }


def _shard_set(one: "ShardSet") -> dict[str, Any]:
    return {
        "id": str(one.id),
        "model": one.model,
        "state": one.state,
        "shards": one.shards,
        "copies": one.copies,
        "block": one.block,
    }


def _in_order(replica: dict[str, Any]) -> int:
    """Indexes of whole galleries first, then shard by shard."""
    return -1 if replica["shard"] is None else int(replica["shard"])


def _of_shard(row: dict[str, Any]) -> str:
    return "" if row["shard"] is None else f", shard {row['shard']} of {row['shards']}"


def _add_row(table: Table, where: str, state: str, row: dict[str, Any]) -> None:
    recall, memory, lag = row.get("recall"), row.get("memory_bytes"), row.get("lag")
    table.add_row(
        f"  {escape_text(where)}",
        state,
        row.get("tier"),
        f"{row['count']:,}" if "count" in row else "",
        "" if lag is None else str(lag),
        str(row.get("tombstones", "")),
        "" if memory is None else f"{memory / 1e6:.1f}",
        "" if recall is None else f"{recall:.4f}",
    )
    if row["problem"]:
        table.add_row(f"  [yellow]{escape_text(row['problem'])}[/]")
