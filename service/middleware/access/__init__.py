"""What decides whether a request may go on: its site, its key, the role and the limits of the key."""
