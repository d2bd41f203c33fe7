"""Long work over many people, built of the use cases."""
