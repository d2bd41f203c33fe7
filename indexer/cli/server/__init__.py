"""`gemel serve` and `gemel migrate`."""
