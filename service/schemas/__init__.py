"""Bodies of requests, and answers that only the HTTP API gives; the others: `indexer.usecases.answers`."""
