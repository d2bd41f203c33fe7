"""PostgreSQL: galleries, identities, faces, their changes. The only package that imports SQLAlchemy.

One module per table or query; the tables themselves are in `tables`. Functions take a Session and never
commit: the use case decides where a transaction ends.
"""
