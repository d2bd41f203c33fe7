"""What clusterings read and join in the database."""
