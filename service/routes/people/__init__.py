"""The people of a gallery: identities, their faces, merges and splits, reviews of duplicates."""
