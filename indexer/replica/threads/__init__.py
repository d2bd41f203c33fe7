"""Threads that repeat a task, and threads that the end of the process does not wait for."""
