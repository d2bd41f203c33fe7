"""Attacks on a service of their own: who gets what his key does not allow?"""
