"""Enrolled people: identities, their faces and templates, reviews and changes of people."""
