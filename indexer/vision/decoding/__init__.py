"""From the bytes of a file to upright pixels, in bounded time and memory.

`formats` reads headers, `decode` decodes, `process` does so in a process that may be killed, and `decoder`
owns those processes.
"""
