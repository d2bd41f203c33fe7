"""Words by which people are found: of their names, external ids and metadata."""
