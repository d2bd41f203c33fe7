"""What is done with the audit record: it is verified, anchored elsewhere, and pruned by month."""
