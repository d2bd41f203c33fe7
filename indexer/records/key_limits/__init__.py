"""What keys have used of their limits. Only a crash of PostgreSQL loses it: the tables are not in its log."""
