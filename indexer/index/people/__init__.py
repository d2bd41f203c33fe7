"""Searches for people: the scores of a person's faces and template make one score."""
