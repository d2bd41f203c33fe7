"""Verifies, anchors, exports and prunes the audit record, and explains the searches in it."""
