"""Groups the unnamed faces of a gallery."""
