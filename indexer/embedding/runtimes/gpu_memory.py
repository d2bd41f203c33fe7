"""The memory of the GPUs on which torch runs networks in this process."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuMemory:
    device: int
    used_bytes: int
    """By all programs on the device."""
    total_bytes: int


def of_devices() -> list[GpuMemory]:
    """Nothing where torch does not run on a GPU. Neither imports torch nor opens a GPU."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return []
    found = []
    for device in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(device)
        found.append(GpuMemory(device=device, used_bytes=total - free, total_bytes=total))
    return found
