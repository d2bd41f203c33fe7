"""Whether the promised false positive rate is kept on the pictures that are searched for: the running check.

It is unknown which searches are for strangers. But two kinds of scores are of strangers anyway:

- Where a search matched, the second person is somebody else. A calibration says how often the best of all the
  other people reaches a score.
- Where nobody matched, the best person is somebody else, unless an enrolled person was missed. So these
  scores count only where they are more than the missed ones could be.

`tally` counts in a process how many of them reach the score that a share LEVEL of searches for strangers
reaches, and `verdict` compares this with what the calibration promises. PostgreSQL adds up the processes.
"""
