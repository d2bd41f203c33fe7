"""The use cases: identify, enrol, verify, and keeping an index in step with PostgreSQL.

Here the middle rooms (vision, embedding, index, records) meet; they never import one another.
"""
