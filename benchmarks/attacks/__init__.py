"""Attacks on a service that is started for them: does a client get anything that its key does not allow?"""
