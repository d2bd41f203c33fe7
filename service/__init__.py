"""Gemel on the network: routes, schemas and errors around `indexer.usecases`."""
