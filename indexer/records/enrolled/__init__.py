"""Enrolled people: identities, their faces and person templates."""
