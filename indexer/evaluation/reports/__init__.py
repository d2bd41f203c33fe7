"""What the report of each measurement says: its sentences, tables and pictures. Measures nothing."""
