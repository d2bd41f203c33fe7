"""A gallery as files: export to another installation, and import from one."""
