"""Labels of a Ray node, by which machines that do not fit are recognised."""

VERSION = "gemel-version"
DATABASE = "gemel-database"
MEMORY = "gemel-memory-bytes"
