"""`gemel serve`, `gemel migrate` and `gemel models`."""
