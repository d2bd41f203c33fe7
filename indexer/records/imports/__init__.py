"""Imports in the database: jobs, files, and the queue of those that wait. `indexer.imports` does the rest."""
