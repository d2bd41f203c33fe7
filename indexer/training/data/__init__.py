"""From labelled photographs to batches of augmented faces."""
