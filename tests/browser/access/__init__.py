"""Signing in, keys, the audit record."""
