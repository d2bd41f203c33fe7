"""A gallery as files: export, and import into this or another installation."""
