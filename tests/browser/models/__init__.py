"""The page of a gallery's model, and changes of model."""
