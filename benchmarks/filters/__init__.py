"""What a filter costs: the search among the selected faces, and the query that finds the people."""
