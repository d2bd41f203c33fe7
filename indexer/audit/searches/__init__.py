"""A recorded search: it is explained in words, repeated, and disputed."""
