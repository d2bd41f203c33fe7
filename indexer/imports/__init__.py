"""Bulk enrolment as a job: files wait in PostgreSQL, and the serving processes enrol them."""
