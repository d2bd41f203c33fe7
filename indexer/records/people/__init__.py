"""Who is the same person as whom: reviews, people known to be different, and changes that can be undone."""
