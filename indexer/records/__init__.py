"""What is true: galleries, identities, faces and their changes, in PostgreSQL.

The only room that imports SQLAlchemy. Functions take a Session and never commit: where a
transaction ends is the use case's decision.
"""
