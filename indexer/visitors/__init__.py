"""Visitors whom nobody knows: remembered as anonymous identities, found again, forgotten in time."""
