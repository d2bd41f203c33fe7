"""What is compared: one module per kind of contender."""
