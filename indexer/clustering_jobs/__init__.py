"""Groups the unnamed faces of a gallery, as a job of its own process or of the server."""
