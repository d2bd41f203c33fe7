"""The memory of GPUs. It is the devices', not the process's: any process gives the same answer."""

from collections.abc import Iterable

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from indexer.embedding.runtimes import gpu_memory


class GpuMemory(Collector):
    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "gemel_gpu_memory_bytes", "Memory of each GPU that runs a network", labels=("device", "kind")
        )
        for device in gpu_memory.of_devices():
            family.add_metric((str(device.device), "used"), device.used_bytes)
            family.add_metric((str(device.device), "total"), device.total_bytes)
        return (family,)
