"""Groups the faces in a folder of photographs, without a database: `gemel cluster DIR`."""
