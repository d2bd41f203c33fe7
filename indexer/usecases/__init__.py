"""What Gemel does for its callers: identify, verify, enrol, delete. `bootstrap` wires everything together."""
