"""Who may do what, and how much of it: roles, API keys, gallery patterns, limits."""
