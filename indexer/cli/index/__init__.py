"""`gemel index ...`: the indexes in server processes and the snapshots on this machine."""
