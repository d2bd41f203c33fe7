"""Clusterings in the database: jobs, the faces that they read, and what they join."""
