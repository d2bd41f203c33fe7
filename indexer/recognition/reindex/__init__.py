"""A gallery's way from one model to another: what it would take, whether it is good enough, the switch.

The work between, embedding and comparing, is done by `jobs.reindex` in workers.
"""
