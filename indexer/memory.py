"""The memory that a process may still take: of its machine, and of the control groups that it belongs to.

The files are those of the Linux manual, "Control Group v2" and "Memory Resource Controller" (v1). What a
group has taken counts without its inactive page cache, which the kernel frees before memory runs out.
"""

from collections.abc import Iterator
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def available_bytes(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """`cgroups`: where the hierarchies are mounted; `membership`: which groups this process is in."""
    rooms = [_room(group) for group in _groups(cgroups, membership)]
    return max(0, min([psutil.virtual_memory().available, *(room for room in rooms if room is not None)]))


def _groups(cgroups: Path, membership: Path) -> Iterator[Path]:
    """The memory groups of this process and the groups above them, whose limits apply, too."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            root = cgroups
        elif "memory" in controllers.split(","):
            root = cgroups / "memory"
        else:
            continue
        group = root / path.lstrip("/")
        # In a container the path may be the machine's, while the container's own group is mounted as root.
        if ".." in group.parts or not group.is_dir():
            group = root
        yield group
        while group != root:
            group = group.parent
            yield group


def _room(group: Path) -> int | None:
    """None if the group sets no limit, or cannot be read."""
    for limit, taken, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        most, used = _number(group / limit), _number(group / taken)
        if most is not None and used is not None:
            return most - max(0, used - _statistic(group / "memory.stat", cache))
    return None


def _number(file: Path) -> int | None:
    """None for `max`, too."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _statistic(file: Path, name: str) -> int:
    try:
        lines = [line.split() for line in file.read_text().splitlines()]
        return next((int(value) for key, value in lines if key == name), 0)
    except (OSError, ValueError):
        return 0
