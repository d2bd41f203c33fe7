"""Parts of a search: who is nearest, which faces may match, and what is counted and recorded of it."""
