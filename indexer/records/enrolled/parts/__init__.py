"""Parts of a gallery, as shards hold them: what is in one, and how it is read."""
