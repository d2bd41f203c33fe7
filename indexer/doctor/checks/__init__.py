"""The checks: each examines one thing, changes nothing, and returns its findings."""
