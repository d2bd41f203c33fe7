"""Machines on one machine: network namespaces, each with an address and a share of the processor.

Only root can make them, on Linux with iproute2. A process in one reaches another machine only over the
network between them: it can be cut off, slowed down and killed like a computer.
"""
