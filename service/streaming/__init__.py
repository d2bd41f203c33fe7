"""Requests whose body and whose answer are lines that come one after the other."""
