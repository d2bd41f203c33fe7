"""Gemel over HTTP: it parses requests, calls `indexer.usecases`, and returns answers."""
