"""The checks: each looks at one thing, changes nothing, and returns what it found."""
