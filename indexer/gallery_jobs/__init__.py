"""Long work on one gallery, as a job of its own process or of the server: clusterings, searches for
duplicates."""
