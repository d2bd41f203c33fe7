"""The available memory is the minimum over the machine and every control group of the process."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from indexer.memory import available_bytes

MB = 10**6
Tree = Callable[..., int]


@pytest.fixture
def available(tmp_path: Path) -> Tree:
    """With these files below the mount point, for a process in these groups."""

    def available(membership: str, **groups: dict[str, str]) -> int:
        root = tmp_path / "cgroup"
        root.mkdir()
        for path, files in groups.items():
            group = root / path.replace("__", "/").removeprefix("root")
            group.mkdir(parents=True, exist_ok=True)
            for name, content in files.items():
                (group / name.replace("__", ".")).write_text(content)
        (tmp_path / "membership").write_text(membership)
        return available_bytes(root, tmp_path / "membership")

    return available


def v2(most: str, taken: int, cache: int = 0) -> dict[str, str]:
    return {
        "memory__max": f"{most}\n",
        "memory__current": f"{taken}\n",
        "memory__stat": f"anon 1\ninactive_file {cache}\nactive_file 7\n",
    }


def v1(most: int, taken: int, cache: int = 0) -> dict[str, str]:
    return {
        "memory__limit_in_bytes": f"{most}\n",
        "memory__usage_in_bytes": f"{taken}\n",
        "memory__stat": f"inactive_file 3\ntotal_inactive_file {cache}\n",
    }


def test_a_group_of_version_2_is_a_limit_and_its_inactive_page_cache_counts_as_free(available: Tree) -> None:
    assert available("0::/app\n", app=v2(str(100 * MB), 70 * MB, cache=20 * MB)) == 50 * MB


def test_the_parent_groups_are_limits_too(available: Tree) -> None:
    groups = {"slice": v2(str(50 * MB), 45 * MB), "slice__app": v2(str(100 * MB), 10 * MB)}
    assert available("0::/slice/app\n", **groups) == 5 * MB


def test_in_a_container_the_processs_group_is_the_root(available: Tree) -> None:
    assert available("0::/../../system.slice/docker-1.scope\n", root=v2(str(80 * MB), 60 * MB)) == 20 * MB


def test_a_group_of_version_1_is_a_limit(available: Tree) -> None:
    lines = "12:cpu,cpuacct:/docker/1\n4:hugetlb,memory:/docker/1\n0::/\n"
    assert available(lines, memory__docker__1=v1(100 * MB, 70 * MB, cache=20 * MB)) == 50 * MB


def test_a_container_of_version_1_sees_only_its_own_group(available: Tree) -> None:
    assert available("4:memory:/docker/1\n", memory=v1(100 * MB, 70 * MB)) == 30 * MB


def test_a_full_group_leaves_no_memory(available: Tree) -> None:
    assert available("0::/app\n", app=v2(str(100 * MB), 120 * MB)) == 0


@pytest.mark.parametrize(
    ("membership", "groups"),
    [
        ("0::/app\n", {"app": v2("max", 70 * MB)}),
        ("4:memory:/app\n", {"memory__app": v1(2**63 - 4096, 70 * MB)}),
        ("0::/app\n", {"app": {"memory__max": "not a number", "memory__current": "0"}}),
        ("not as it should be\n\n::\n", {}),
        ("0::/gone\n", {}),
    ],
    ids=["max", "as good as none", "unreadable", "unknown", "gone"],
)
def test_without_a_limit_the_machines_available_memory_counts(
    available: Tree, membership: str, groups: dict[str, dict[str, str]]
) -> None:
    """Not its free memory: after a while, most of a machine's memory is page cache."""
    found = available(membership, **groups)
    there = psutil.virtual_memory()

    assert found == pytest.approx(there.available, rel=0.5)
    assert 0 < found <= there.total


def test_this_machine_has_memory_available() -> None:
    assert 0 < available_bytes() <= psutil.virtual_memory().total
