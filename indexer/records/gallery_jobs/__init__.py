"""Jobs of galleries in the database: create, find, lease, end, cancel."""
