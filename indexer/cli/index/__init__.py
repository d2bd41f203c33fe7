"""`gemel index ...`: the indexes in serving processes and the snapshots on this machine."""
