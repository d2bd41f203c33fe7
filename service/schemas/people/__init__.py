"""Bodies and answers of identities and their faces."""
