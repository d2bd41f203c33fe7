"""Who may do what, and what was done: keys, the audit record, explanations of answers."""
