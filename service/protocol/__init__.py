"""HTTP/1.1 connections: the protocol under uvicorn, with bounds on what a client may send or hold."""
