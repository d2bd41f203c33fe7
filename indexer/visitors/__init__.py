"""Visitors whom nobody knows: remembered as anonymous identities, found again, forgotten in time.

Below the use cases, because an identification remembers whom it does not find.
"""
