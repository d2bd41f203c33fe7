"""Gemel's engine: from a photograph to an embedding, and from an embedding to the people it may be.

It knows nothing of HTTP; `service` puts it on the network, `indexer.cli` in a terminal.
"""
