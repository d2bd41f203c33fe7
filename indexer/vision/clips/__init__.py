"""From the bytes of a video clip to some of its frames, in bounded time and memory.

`container` recognises files, `reading` decodes frames, `process` does so in a process that may be killed and
can open nothing, and `process_handle` is the server's end of it. `decoding.decoder` owns those processes.
"""
