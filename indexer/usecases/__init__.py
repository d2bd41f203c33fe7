"""What a caller wants done: identify, verify, enrol, delete; and `bootstrap`, where everything is wired.

`answers` has the JSON that the HTTP API and the command line give.
"""
