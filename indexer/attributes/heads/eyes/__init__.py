"""Whether the eyes are open, by the contours of their lids."""
