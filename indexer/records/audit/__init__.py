"""The audit record: who did what to whom, and when. Rows are only ever appended."""
