"""What the audit record says of searches, and what is kept of their probes."""
